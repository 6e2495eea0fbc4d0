import Testing
import MiniGPTTokenization

@Suite struct UnicodeClassesTests {
  /// Counted through the rule of GPT-2, where a letter continues `a`, a number `1`, and another sign `.`.
  @Test func countsAreThoseOfUnicode16() {
    var letters = 0
    var numbers = 0
    var spaces = 0
    for value in UInt32(0)...0x10FFFF {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let text = Array(String(scalar).utf8)
      func continues(_ first: UInt8) -> Bool { Splitter.gpt2.pieces(of: ([first] + text).span).count == 1 }
      if continues(UInt8(ascii: "a")) {
        letters += 1
      } else if continues(UInt8(ascii: "1")) {
        numbers += 1
      } else if !continues(UInt8(ascii: ".")) {
        spaces += 1
      }
    }
    #expect(letters == 141_028)
    #expect(numbers == 1_911)
    #expect(spaces == 25)
  }
}
