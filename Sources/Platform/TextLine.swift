/// How lines of texts begin and end, for all that reads them: prompts, pipes, `--lines`, pairs, references.
package enum TextLine {
  /// Bytes of the byte order mark of UTF-8 that a text begins with: 3, or 0 where there is none. It is no part of the text.
  package static func markLength(_ text: Span<UInt8>) -> Int {
    text.count >= 3 && text[0] == 0xEF && text[1] == 0xBB && text[2] == 0xBF ? 3 : 0
  }

  /// Where the content of a line ends, given where its newline stands: a carriage return before that is no part of it.
  package static func contentEnd(_ text: Span<UInt8>, from start: Int, to newline: Int) -> Int {
    newline > start && text[newline - 1] == UInt8(ascii: "\r") ? newline - 1 : newline
  }

  /// The content of a line without its newline.
  package static func content(of line: [UInt8], isFirst: Bool) -> [UInt8] {
    let text = line.span, start = isFirst ? markLength(text) : 0
    return Array(line[start..<contentEnd(text, from: start, to: line.count)])
  }
}
