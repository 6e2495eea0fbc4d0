import Testing
import MiniGPTTokenization

@Suite struct StreamingDecoderTests {
  /// Bytes one by one give what Swift's own decoder makes of all of them.
  @Test func replacesWhatCanNeverBecomeACharacter() throws {
    let tokenizer = ByteTokenizer()
    var chance = SmallRandom(2)
    let interesting: [UInt8] = [
      0x41, 0x80, 0xBF, 0xC0, 0xC2, 0xC3, 0xE0, 0xA0, 0x9F, 0xED, 0xE4, 0xB8, 0xAD, 0xF0, 0x90, 0xF4, 0x8F, 0xF5, 0xFF,
    ]
    for _ in 0..<20_000 {
      let text = (0..<Int.random(in: 0...12, using: &chance)).map { _ in
        interesting[Int.random(in: 0..<interesting.count, using: &chance)]
      }
      var decoder = StreamingDecoder(tokenizer)
      var found = ""
      for id in try tokenizer.encode(text) { found += decoder.push(id) }
      found += decoder.finish()
      #expect(Array(found.utf8) == Array(String(decoding: text, as: UTF8.self).utf8), "\(text)")
    }
  }

  @Test func waitsForWholeCharacters() throws {
    let tokenizer = ByteTokenizer()
    var decoder = StreamingDecoder(tokenizer)
    let steps = try tokenizer.encode("é👩!").map { decoder.push($0) }
    #expect(steps == ["", "é", "", "", "", "👩", "!"])
    #expect(decoder.finish() == "")
  }
}
