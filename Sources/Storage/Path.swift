internal import MiniGPTPlatform

/// The name of a file as the system has it: bytes, which need not be UTF-8 and may hold anything but NUL.
package struct Path: Hashable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral {
  package let bytes: [UInt8]

  /// A NUL cannot be part of a name; what follows it is kept out by `StorageError.nameWithNUL` when a file is opened.
  package init(bytes: [UInt8]) { self.bytes = bytes }
  package init(_ text: String) { bytes = Array(text.utf8) }
  package init(stringLiteral text: String) { self.init(text) }

  /// For messages: one line, nothing in it that a terminal would obey.
  /// Of a very long one beginning and end.
  package var description: String {
    let most = 1000
    if bytes.count <= most { return EscapedText.string(bytes) }
    return EscapedText.string(Array(bytes.prefix(most / 2))) + "…" + EscapedText.string(Array(bytes.suffix(most / 4)))
  }

  /// What stands behind the last slash.
  package var name: [UInt8] { Array(bytes[nameStart...]) }

  /// The name without its last ending: `shakespeare` of `corpora/shakespeare.txt`, `.profile` of `.profile`.
  package var stem: [UInt8] {
    let name = name
    guard let dot = name.lastIndex(of: UInt8(ascii: ".")), dot > 0 else { return name }
    return Array(name[..<dot])
  }

  /// The folder that holds the file: `.` when the name stands alone.
  package var folder: Path {
    let start = nameStart
    if start == 0 { return "." }
    if start == 1 { return "/" }
    return Path(bytes: Array(bytes[..<(start - 1)]))
  }

  /// The name without slashes at its end, which mean nothing but that it is a folder.
  package var withoutEndingSlash: Path {
    let count = bytes.count - bytes.reversed().prefix { $0 == Self.slash }.count
    return Path(bytes: Array(bytes.prefix(max(1, count))))
  }

  package func appending(_ component: [UInt8]) -> Path {
    if bytes.isEmpty { return Path(bytes: component) }
    return Path(bytes: bytes.last == Self.slash ? bytes + component : bytes + [Self.slash] + component)
  }

  package func appending(_ component: String) -> Path { appending(Array(component.utf8)) }

  package func hasSuffix(_ ending: String) -> Bool {
    let ending = Array(ending.utf8)
    return bytes.count >= ending.count && Array(bytes.suffix(ending.count)) == ending
  }

  private static let slash = UInt8(ascii: "/")

  private var nameStart: Int {
    guard let last = bytes.lastIndex(of: Self.slash) else { return 0 }
    return last + 1
  }

  /// Hands out the name as C wants it.
  func withCString<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
    let text = bytes.map { CChar(bitPattern: $0) } + [0]
    return unsafe text.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { fail("a C string without memory") }
      return unsafe body(base)
    }
  }
}
