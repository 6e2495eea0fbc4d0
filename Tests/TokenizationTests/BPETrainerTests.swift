import MiniGPTParallel
import Testing
import MiniGPTTokenization

@Suite struct BPETrainerTests {
  let corpus: [UInt8]

  init() throws { corpus = try PeerFixtures.corpus() }

  @Test func findsTheMergesOfHuggingFace() throws {
    let merges = try smallTokenizer().merges.map { [$0.left, $0.right, $0.result] }
    #expect(try merges == PeerFixtures.read().merges)
  }

  @Test(arguments: Splitter.allCases) func threadsDoNotMatter(splitter: Splitter) throws {
    var trainer = BPETrainer(vocabularySize: 500)
    trainer.splitter = splitter
    let text = [CorpusText.bytes([[UInt8]](repeating: corpus + [10], count: 400).flatMap { $0 })]
    let one = try trainer.train(text, pool: WorkerPool(threads: 1))
    let three = try trainer.train(text, pool: WorkerPool(threads: 3))
    #expect(one.merges == three.merges)
    #expect(one.vocabularySize > 300)
  }

  /// What training means, word for word: count all pairs of all pieces anew before every merge.
  @Test(arguments: [Splitter.gpt2, .none, .spaces]) func equalsThePlainAlgorithm(splitter: Splitter) throws {
    var chance = SmallRandom(5)
    for round in 0..<8 {
      let letters = Array("abc \n'".utf8).prefix(round < 4 ? 3 : 6)
      let text = (0..<600).map { _ in letters[Int.random(in: 0..<letters.count, using: &chance)] }
      var trainer = BPETrainer(vocabularySize: 257 + 60)
      trainer.splitter = splitter
      trainer.maximumTokenLength = round % 2 == 0 ? Int.max : 5
      let found = try trainer.train(text).merges.map { [$0.left, $0.right, $0.result] }
      #expect(found == plainMerges(text, splitter, count: 60, longest: trainer.maximumTokenLength))
    }
  }

  private func plainMerges(_ text: [UInt8], _ splitter: Splitter, count: Int, longest: Int) -> [[Int32]] {
    let byteIds = ByteTokenizer()
    var pieces = splitter.pieces(of: text.span).map { piece in (try? byteIds.encode(Array(text[piece]))) ?? [] }
    var tokens = (0..<256).map { byteIds.bytes(of: Int32($0)) }
    var merges: [[Int32]] = []
    while tokens.count < 256 + count {
      var counts: [[Int32]: Int] = [:]
      for piece in pieces {
        for (left, right) in zip(piece, piece.dropFirst())
        where tokens[Int(left)].count + tokens[Int(right)].count <= longest {
          counts[[left, right], default: 0] += 1
        }
      }
      let best = counts.max { a, b in
        a.value != b.value ? a.value < b.value : b.key.lexicographicallyPrecedes(a.key)
      }
      guard let pair = best?.key else { break }
      let bytes = tokens[Int(pair[0])] + tokens[Int(pair[1])]
      var id = Int32(tokens.count)
      if let known = tokens.firstIndex(of: bytes) { id = Int32(known) } else { tokens.append(bytes) }
      if !merges.contains(where: { $0[0] == pair[0] && $0[1] == pair[1] }) { merges.append(pair + [id]) }
      pieces = pieces.map { replace(pair, by: id, in: $0) }
    }
    return merges
  }

  private func replace(_ pair: [Int32], by id: Int32, in piece: [Int32]) -> [Int32] {
    var result: [Int32] = []
    var place = 0
    while place < piece.count {
      if place + 1 < piece.count && piece[place] == pair[0] && piece[place + 1] == pair[1] {
        result.append(id)
        place += 2
      } else {
        result.append(piece[place])
        place += 1
      }
    }
    return result
  }

  @Test func rareAndLongPairsAreLeftOut() throws {
    var trainer = BPETrainer(vocabularySize: 400)
    trainer.minimumFrequency = 20
    let rare = try trainer.train(corpus)
    #expect(rare.vocabularySize < 341)
    trainer.minimumFrequency = 1
    trainer.maximumTokenLength = 3
    #expect(try trainer.train(corpus).merges.allSatisfy { $0.result >= 256 })
    #expect(try trainer.train(corpus).tokenByteLengths.max() == 3)
  }

  @Test func sizesThatCannotBeAreRefused() {
    #expect(throws: TokenizerError.vocabularySize(256, allowed: 257...BPETrainer.largestVocabulary)) {
      try BPETrainer(vocabularySize: 256).train(corpus)
    }
    var trainer = BPETrainer(vocabularySize: 258)
    trainer.layout = .translation
    #expect(throws: TokenizerError.vocabularySize(258, allowed: 259...BPETrainer.largestVocabulary)) {
      try trainer.train(corpus)
    }
  }

  @Test func brokenTextIsNamedByItsFirstByte() {
    let text = corpus + [0xFF] + corpus + [0xC0]
    #expect(throws: TokenizerError.brokenUTF8(source: nil, offset: corpus.count)) {
      try BPETrainer(vocabularySize: 300).train(text)
    }
  }

  @Test func anEmptyTextHasNoMerges() throws {
    #expect(try BPETrainer(vocabularySize: 300).train([]).vocabularySize == 257)
  }

  @Test(arguments: ["a", "\u{301}", " ", "random"]) func aMegabyteInOnePieceIsQuick(unit: String) throws {
    var chance = SmallRandom(3)
    let text =
      unit == "random"
      ? (0..<1 << 20).map { _ in UInt8.random(in: 97...122, using: &chance) }
      : Array(String(repeating: unit, count: (1 << 20) / unit.utf8.count).utf8)
    let clock = ContinuousClock()
    let start = clock.now
    let tokenizer = try BPETrainer(vocabularySize: 1000).train(text)
    let ids = try tokenizer.encode(text)
    #expect(try tokenizer.decode(ids) == text)
    // Under a second each on a quiet machine; this one may be shared.
    #expect(clock.now - start < .seconds(8))
  }
}
