import MiniGPTPlatform
import Testing

@Suite struct EscapedTextTests {
  @Test(arguments: [
    ("plain é 😀 \\", "plain é 😀 \\"), ("a\tb\nc\rd", #"a\tb\nc\rd"#), ("\u{1B}[2J\u{7}\0", #"\x1B[2J\x07\x00"#),
    ("\u{7F}", #"\x7F"#), ("\u{80}\u{9B}\u{9F}\u{A0}", "\\u{80}\\u{9B}\\u{9F}\u{A0}"),
    ("\u{202E}\u{2066}\u{200F}\u{61C}\u{2028}", #"\u{202E}\u{2066}\u{200F}\u{61C}\u{2028}"#),
  ]) func oneLine(text: String, escaped: String) {
    #expect(EscapedText.string(text) == escaped)
  }

  @Test func lines() {
    #expect(EscapedText.string("a\tb\nc\r\u{1B}", layout: .lines) == "a\tb\nc\\r\\x1B")
  }

  @Test(
    arguments: [
      ([0xFF], #"\xFF"#), ([0x61, 0xC3], #"a\xC3"#), ([0xC0, 0x80], #"\xC0\x80"#),
      ([0xED, 0xA0, 0x80], #"\xED\xA0\x80"#), ([0xF4, 0x90, 0x80, 0x80], #"\xF4\x90\x80\x80"#),
      ([0xE2, 0x82, 0xAC], "€"), ([0xF0, 0x9F, 0x98, 0x80], "😀"), ([0x9B], #"\x9B"#),
    ] as [([UInt8], String)]) func brokenBytes(bytes: [UInt8], escaped: String)
  {
    #expect(EscapedText.string(bytes) == escaped)
  }
}
