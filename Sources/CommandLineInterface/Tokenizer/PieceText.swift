internal import MiniGPT

/// Tokens as a person sees where a text is cut: `The _animal _didn 't _cross`.
enum PieceText {
  /// A token's text on one line: a blank is `_`, an underscore `\_`, and what a terminal would obey is escaped.
  static func of(_ token: [UInt8]) -> [UInt8] {
    if token == [0x20] { return [UInt8(ascii: "_")] }
    var text: [UInt8] = []
    for byte in printable(token).utf8 {
      if byte == UInt8(ascii: "_") { text.append(UInt8(ascii: "\\")) }
      text.append(byte == 0x20 ? UInt8(ascii: "_") : byte)
    }
    return text
  }

  /// Appends a token to a drawing: a blank in front of it, unless a line begins; behind its newline a new one does.
  static func draw(_ token: [UInt8], atStart: inout Bool, into text: inout [UInt8]) {
    if !atStart { text.append(0x20) }
    text += of(token)
    atStart = token.last == UInt8(ascii: "\n")
    if atStart { text.append(UInt8(ascii: "\n")) }
  }
}
