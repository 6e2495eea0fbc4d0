import MiniGPTParallel
import Testing
import MiniGPTTokenization

@Suite struct StreamingEncoderTests {
  @Test(arguments: Splitter.allCases, [false, true]) func partsGiveTheIdsOfTheWhole(
    splitter: Splitter, allowSpecial: Bool
  ) throws {
    let corpus = try PeerFixtures.corpus()
    let unit = corpus + Array("<|endoftext|>x y<|endoftext|>".utf8)
    let text = [[UInt8]](repeating: unit, count: 60).flatMap { $0 }
    let tokenizers: [any Tokenizer] = [
      try smallTokenizer(splitter), ByteTokenizer(), try CharacterTokenizer(text),
    ]
    for tokenizer in tokenizers {
      for size in [1000, 65_537] {
        var encoder = StreamingEncoder(tokenizer, allowSpecial: allowSpecial)
        var ids: [Int32] = []
        for start in stride(from: 0, to: text.count, by: size) {
          try encoder.push(Array(text[start..<min(start + size, text.count)]), into: &ids)
        }
        try encoder.finish(into: &ids)
        #expect(try ids == tokenizer.encode(text, allowSpecial: allowSpecial))
      }
    }
  }

  /// More than the megabytes that are gathered for the threads of a pool, so that several rounds are encoded.
  @Test(arguments: [Splitter.gpt2, .none]) func threadsGiveTheIdsOfTheWhole(splitter: Splitter) throws {
    let corpus = try PeerFixtures.corpus()
    let text = [[UInt8]](repeating: corpus + [0x20, 0xC3], count: 5_500_000 / corpus.count).flatMap { $0 }
    let tokenizer = try smallTokenizer(splitter)
    var encoder = StreamingEncoder(tokenizer, allowSpecial: false, pool: WorkerPool(threads: 2))
    var ids: [Int32] = []
    for start in stride(from: 0, to: text.count, by: 1 << 16) {
      try encoder.push(Array(text[start..<min(start + (1 << 16), text.count)]), into: &ids)
    }
    try encoder.finish(into: &ids)
    #expect(try ids == tokenizer.encode(text))
  }

  @Test func errorsCountFromTheStart() throws {
    let tokenizer = try CharacterTokenizer(Array("a".utf8))
    var encoder = StreamingEncoder(tokenizer)
    var ids: [Int32] = []
    try encoder.push([UInt8](repeating: 97, count: 200_000), into: &ids)
    try encoder.push([98], into: &ids)
    #expect(throws: TokenizerError.unknownCharacter(scalar: 98, offset: 200_000)) { try encoder.finish(into: &ids) }
  }
}
