import MiniGPTTokenization
import Testing

@Suite struct MergeDropoutTests {
  private func encode(_ text: [UInt8], _ tokenizer: BytePairTokenizer, _ probability: Double, _ number: UInt64) throws
    -> [Int32]
  {
    var encoder = VaryingEncoder(tokenizer, probability: probability), ids: [Int32] = []
    try encoder.encode(text.span, number, into: &ids)
    return ids
  }

  /// Nothing is left out at 0, nearly all of the merges just below 1, and the text is always the same.
  @Test func theTextStays() throws {
    let tokenizer = try smallTokenizer(), corpus = Array(try PeerFixtures.corpus().prefix(4000))
    let plain = try tokenizer.encode(corpus)
    #expect(try encode(corpus, tokenizer, 0, 1) == plain)
    var last = plain.count
    for probability in [0.1, 0.5, 0.999999] {
      let ids = try encode(corpus, tokenizer, probability, 1)
      #expect(try tokenizer.decode(ids) == corpus && ids.count > last, "\(probability)")
      last = ids.count
    }
    #expect(Double(last) > 0.99 * Double(corpus.count))
  }

  @Test func theNumberDecides() throws {
    let tokenizer = try smallTokenizer(), corpus = Array(try PeerFixtures.corpus().prefix(500))
    #expect(try encode(corpus, tokenizer, 0.3, 7) == encode(corpus, tokenizer, 0.3, 7))
    #expect(try encode(corpus, tokenizer, 0.3, 7) != encode(corpus, tokenizer, 0.3, 8))
  }

  /// Two letters with one merge stay apart with just that probability; three with two merges as the algorithm says.
  @Test func leavesOutAsOftenAsItIsTold() throws {
    // Merges: a b → ab, ab c → abc.
    let tokenizer = try BPETrainer(vocabularySize: 259).train(Array("abc-abc-abc-abc-ab-ab".utf8))
    let two = Array("ab".utf8), three = Array("abc".utf8)
    #expect(try tokenizer.encode(two).count == 1 && tokenizer.encode(three).count == 1)
    var (apart, counts) = (0, [0, 0, 0, 0])
    let turns = 20_000
    for number in 0..<turns {
      let number = UInt64(number) &* 0x9E37_79B9_7F4A_7C15
      if try encode(two, tokenizer, 0.25, number).count == 2 { apart += 1 }
      counts[try encode(three, tokenizer, 0.25, number).count] += 1
    }
    func isNear(_ count: Int, _ probability: Double) -> Bool {
      let deviation = (probability * (1 - probability) * Double(turns)).squareRoot()
      return abs(Double(count) - probability * Double(turns)) < 4 * deviation
    }
    #expect(isNear(apart, 0.25))
    #expect(isNear(counts[3], 0.25) && isNear(counts[2], 0.75 * 0.25) && isNear(counts[1], 0.75 * 0.75), "\(counts)")
  }
}
