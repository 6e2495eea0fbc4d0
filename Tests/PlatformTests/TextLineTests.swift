import MiniGPTPlatform
import Testing

@Suite struct TextLineTests {
  private func content(_ line: String, isFirst: Bool = true) -> String {
    String(decoding: TextLine.content(of: Array(line.utf8), isFirst: isFirst), as: UTF8.self)
  }

  @Test func contentHasNeitherMarkNorReturn() {
    #expect(content("\u{FEFF}a b\r") == "a b" && content("a") == "a" && content("") == "" && content("\r") == "")
    #expect(content("\u{FEFF}") == "" && content("\u{FEFF}\r") == "")
    // Elsewhere they are characters like others.
    #expect(content("\u{FEFF}a", isFirst: false) == "\u{FEFF}a" && content("a\rb\r\r") == "a\rb\r")
  }

  @Test func endsAreFoundInsideAText() {
    let text = Array("ab\r\ncd\n".utf8)
    #expect(TextLine.contentEnd(text.span, from: 0, to: 3) == 2 && TextLine.contentEnd(text.span, from: 4, to: 6) == 6)
    #expect(TextLine.contentEnd(text.span, from: 3, to: 3) == 3 && TextLine.markLength(text.span) == 0)
  }
}
