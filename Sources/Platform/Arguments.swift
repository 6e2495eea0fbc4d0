internal import MiniGPTSystemC

/// The words that the process was started with, as bytes: Swift's own `CommandLine.arguments` replaces what is no
/// UTF-8, and such a file is then not found.
package enum Arguments {
  /// The name of the program first.
  package static let raw: [[UInt8]] = {
    let count = Int(CommandLine.argc)
    let words = unsafe CommandLine.unsafeArgv
    return (0..<count).map { index in
      guard let word = unsafe words[index] else { return [] }
      return unsafe UnsafeBufferPointer(start: word, count: strlen(word)).map { UInt8(bitPattern: $0) }
    }
  }()
}
