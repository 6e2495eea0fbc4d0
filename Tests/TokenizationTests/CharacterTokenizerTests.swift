import MiniGPTParallel
import Testing
import MiniGPTTokenization

@Suite struct CharacterTokenizerTests {
  @Test func idsFollowTheNumbersOfCharacters() throws {
    let tokenizer = try CharacterTokenizer(Array("héllo\n中b👩".utf8))
    #expect(tokenizer.vocabularySize == 9)
    #expect(tokenizer.endOfText == 8)
    #expect(try tokenizer.encode("\nbhloé中👩") == [0, 1, 2, 3, 4, 5, 6, 7])
    #expect(try tokenizer.decode([6, 7, 8]) == Array("中👩<|endoftext|>".utf8))
    #expect(tokenizer.tokenByteLengths == [1, 1, 1, 1, 1, 2, 3, 4, 0])
  }

  @Test func aCharacterNeverSeenIsNamed() throws {
    let tokenizer = try CharacterTokenizer(Array("abc".utf8))
    #expect(throws: TokenizerError.unknownCharacter(scalar: 0xE9, offset: 2)) { try tokenizer.encode("abécd") }
    #expect(
      TokenizerError.unknownCharacter(scalar: 0xE9, offset: 17).description
        == "'é' (U+00E9) at byte 17 never occurred in the training text")
    #expect(
      TokenizerError.unknownCharacter(scalar: 0x1B, offset: 0).description
        == "U+001B at byte 0 never occurred in the training text")
  }

  @Test func brokenTextIsNamedByItsByte() throws {
    #expect(throws: TokenizerError.brokenUTF8(source: nil, offset: 3)) {
      try CharacterTokenizer([97, 98, 99, 0xE4, 0xB8])
    }
    let tokenizer = try CharacterTokenizer(Array("abc".utf8))
    #expect(throws: TokenizerError.brokenUTF8(source: nil, offset: 1)) { try tokenizer.encode([97, 0x80]) }
    #expect(throws: TokenizerError.emptyText) { try CharacterTokenizer([]) }
  }

  @Test(arguments: [1, 3]) func largeTextsInParts(threads: Int) throws {
    let text = Array(String(repeating: "aé中👩\n", count: 250_000).utf8)
    let pool = WorkerPool(threads: threads)
    let tokenizer = try CharacterTokenizer([.bytes(text)], pool: pool)
    #expect(tokenizer.vocabularySize == 6)
    #expect(
      try tokenizer.encode(.bytes(text), pool: pool) == (0..<250_000).flatMap { _ in [1, 2, 3, 4, 0] as [Int32] })
    #expect(throws: TokenizerError.brokenUTF8(source: nil, offset: text.count)) {
      try CharacterTokenizer([.bytes(text + [0xFF] + text + [0xFF])], pool: pool)
    }
    #expect(throws: TokenizerError.unknownCharacter(scalar: 0x62, offset: text.count)) {
      try tokenizer.encode(.bytes(text + [0x62] + text + [0x63]), pool: pool)
    }
  }
}
