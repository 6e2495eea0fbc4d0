import MiniGPTParallel
import Testing
import MiniGPTTokenization

@Suite struct BytePairTokenizerTests {
  let corpus: [UInt8]

  init() throws { corpus = try PeerFixtures.corpus() }

  @Test func encodesLikeHuggingFace() throws {
    #expect(try smallTokenizer().encode(corpus) == PeerFixtures.read().ids)
  }

  @Test func layoutOfALanguageModel() throws {
    let tokenizer = try smallTokenizer()
    #expect(tokenizer.vocabularySize == 341)
    #expect(tokenizer.endOfText == 340)
    #expect(tokenizer.bytes(of: 0) == Array("!".utf8))
    #expect(tokenizer.bytes(of: 220) == Array(" ".utf8))
    #expect(tokenizer.bytes(of: 340) == Array("<|endoftext|>".utf8))
    #expect(tokenizer.tokenByteLengths[340] == 0)
    #expect(tokenizer.tokenByteLengths.count == 341)
  }

  @Test func layoutOfATranslator() throws {
    var trainer = BPETrainer(vocabularySize: 343)
    trainer.layout = .translation
    let tokenizer = try trainer.train(corpus)
    #expect(tokenizer.vocabularySize == 343)
    #expect(tokenizer.specialTokens.map(\.id) == [0, 1, 342])
    #expect(tokenizer.specialTokens.map(\.text) == ["</s>", "<unk>", "<pad>"])
    #expect(tokenizer.endOfText == nil)
    #expect(try tokenizer.encode(corpus) == PeerFixtures.read().ids.map { $0 + 2 })
  }

  @Test func specialTokensInTextArePlainTextUnlessAllowed() throws {
    let tokenizer = try smallTokenizer()
    let text = "a<|endoftext|><|endoftext|>b<|endoftext"
    #expect(try !tokenizer.encode(text).contains(340))
    let ids = try tokenizer.encode(text, allowSpecial: true)
    #expect(ids.filter { $0 == 340 }.count == 2)
    #expect(try tokenizer.decode(ids) == Array(text.utf8))
  }

  @Test(arguments: Splitter.allCases) func anyBytesComeBack(splitter: Splitter) throws {
    let tokenizer = try smallTokenizer(splitter)
    var encoder = tokenizer.makeEncoder()
    var chance = SmallRandom(9)
    for _ in 0..<20_000 {
      let text = (0..<Int.random(in: 0...60, using: &chance)).map { _ in UInt8.random(in: 0...255, using: &chance) }
      var ids: [Int32] = []
      try encoder.encode(text.span, into: &ids)
      #expect(try tokenizer.decode(ids) == text)
    }
  }

  /// The heap that long pieces use and the plain search for short ones agree with the definition.
  @Test func mergesTheLowestRankFirst() throws {
    let tokenizer = try smallTokenizer(.none)
    var ranks: [[Int32]: BytePairTokenizer.Merge] = [:]
    for merge in tokenizer.merges { ranks[[merge.left, merge.right]] = merge }
    var chance = SmallRandom(11)
    for round in 0..<300 {
      let start = Int.random(in: 0..<corpus.count - 400, using: &chance)
      let text = Array(corpus[start..<start + (round % 2 == 0 ? 40 : 400)])
      var tokens = try ByteTokenizer().encode(text)
      while true {
        let pairs = zip(tokens, tokens.dropFirst()).enumerated().compactMap { place, pair in
          ranks[[pair.0, pair.1]].map { (place, $0) }
        }
        guard let (place, merge) = pairs.min(by: { ($0.1.rank, $0.0) < ($1.1.rank, $1.0) }) else { break }
        tokens.replaceSubrange(place..<place + 2, with: [merge.result])
      }
      #expect(try tokenizer.encode(text) == tokens)
    }
  }

  @Test(arguments: [1, 2, 3]) func partsOfACorpusGiveTheIdsOfTheWhole(threads: Int) throws {
    let text = [[UInt8]](repeating: corpus + [10], count: 40).flatMap { $0 }
    let pool = WorkerPool(threads: threads)
    for splitter in Splitter.allCases {
      let tokenizer = try smallTokenizer(splitter)
      var ids: [Int32] = []
      var done = 0
      try tokenizer.encode(.bytes(text), pool: pool, partSize: 1000, failure: { $0 }) {
        (part, end) throws(TokenizerError) in
        ids += part
        done = end
      }
      #expect(done == text.count)
      #expect(try ids == tokenizer.encode(text))
    }
  }

  /// What an encoder takes over from another, there from a third, is what it would have found by itself.
  @Test func encodersLearnFromEachOther() throws {
    let tokenizer = try smallTokenizer()
    let texts = ["all the words that one of them has met", "and words which were met by another", "the words of all"]
    var encoders: [any TokenEncoder] = texts.map { _ in tokenizer.makeEncoder() }
    var ids: [Int32] = []
    for (place, text) in texts.enumerated() { try encoders[place].encode(Array(text.utf8).span, into: &ids) }
    encoders[0].learn(from: encoders[1])
    encoders[0].learn(from: encoders[2])
    encoders[1].learn(from: encoders[0])
    for place in encoders.indices { encoders[place].settle() }
    encoders[2].learn(from: encoders[1])
    for text in texts {
      let expected = try tokenizer.encode(Array(text.utf8))
      for place in encoders.indices {
        var found: [Int32] = []
        try encoders[place].encode(Array(text.utf8).span, into: &found)
        #expect(found == expected, "encoder \(place): \(text)")
      }
    }
  }

  @Test func idsOutsideAreRefused() throws {
    let tokenizer = try smallTokenizer()
    for id: Int32 in [-1, 341, .max] {
      #expect(throws: TokenizerError.unknownId(Int(id), vocabularySize: 341)) { try tokenizer.decode([0, id]) }
    }
  }
}
