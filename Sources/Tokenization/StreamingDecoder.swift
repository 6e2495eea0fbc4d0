/// Turns ids into text while they arrive: whole characters only.
///
/// Bytes that begin a character wait for the rest of it. What can never become one is replaced by U+FFFD, each longest
/// beginning of a character once, as the Unicode standard recommends (section 3.9).
public struct StreamingDecoder: Sendable {
  private let tokenizer: any Tokenizer
  private var waiting: [UInt8] = []

  /// A decoder at the start of a text.
  public init(_ tokenizer: any Tokenizer) {
    self.tokenizer = tokenizer
    waiting.reserveCapacity(4)
  }

  /// The characters that are whole now. The id must be in the vocabulary.
  public mutating func push(_ id: Int32) -> String {
    var text: [UInt8] = []
    push(id, into: &text)
    return String(decoding: text, as: UTF8.self)
  }

  /// Appends the bytes of the characters that are whole now. The id must be in the vocabulary.
  public mutating func push(_ id: Int32, into text: inout [UInt8]) {
    for byte in tokenizer.bytes(of: id) { push(byte, into: &text) }
  }

  /// What is left at the end: U+FFFD if a character was begun, else nothing.
  public mutating func finish() -> String {
    defer { waiting.removeAll(keepingCapacity: true) }
    return waiting.isEmpty ? "" : "\u{FFFD}"
  }

  private mutating func push(_ byte: UInt8, into text: inout [UInt8]) {
    if !waiting.isEmpty {
      let fits = waiting.count == 1 ? UTF8Scalars.secondFits(waiting[0], byte) : byte & 0xC0 == 0x80
      if fits {
        waiting.append(byte)
        if waiting.count == UTF8Scalars.length(waiting[0]) {
          text += waiting
          waiting.removeAll(keepingCapacity: true)
        }
        return
      }
      text += Self.replacement
      waiting.removeAll(keepingCapacity: true)
    }
    switch UTF8Scalars.length(byte) {
    case 0: text += Self.replacement
    case 1: text.append(byte)
    default: waiting.append(byte)
    }
  }

  private static let replacement: [UInt8] = [0xEF, 0xBF, 0xBD]
}
