import Testing
import MiniGPTTokenization

@Suite struct ByteTokenizerTests {
  @Test func everyByteHasAnId() throws {
    let tokenizer = ByteTokenizer()
    let all = (0...255).map { UInt8($0) }
    let ids = try tokenizer.encode(all)
    #expect(Set(ids) == Set(0...255))
    #expect(try tokenizer.decode(ids) == all)
    #expect(tokenizer.vocabularySize == 257)
    #expect(tokenizer.endOfText == 256)
    #expect(try tokenizer.encode("! ~") == [0, 220, 93])
    #expect(tokenizer.tokenByteLengths.reduce(0, +) == 256)
  }
}
