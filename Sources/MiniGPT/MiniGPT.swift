/// The library: `import MiniGPT` brings everything that a program in Swift needs.
@_exported public import Storage
