import Testing
import MiniGPTTokenization

@Suite struct SplitterTests {
  @Test(arguments: [Splitter.gpt2, .cl100k, .o200k, .qwen2, .smollm, .spaces]) func cutsLikeTheOthers(
    splitter: Splitter
  ) throws {
    let peers = try PeerFixtures.read(), expected = try #require(peers.pieces[splitter.rawValue])
    #expect(expected.count == peers.texts.count && expected.count > 100)
    for (text, lengths) in zip(peers.texts, expected) {
      let found = splitter.pieces(of: Array(text.utf8).span).map(\.count)
      #expect(found == lengths, "\(splitter) \(text.debugDescription)")
    }
  }

  @Test func noneKeepsATextWhole() {
    #expect(Splitter.none.pieces(of: Array("a b\n c".utf8).span) == [0..<6])
    #expect(Splitter.none.pieces(of: [UInt8]().span).isEmpty)
  }

  @Test(arguments: Splitter.allCases) func piecesAreTheText(splitter: Splitter) {
    var chance = SmallRandom(1)
    for _ in 0..<2000 {
      let text = (0..<Int.random(in: 0...30, using: &chance)).map { _ in
        Bool.random(using: &chance) ? UInt8.random(in: 0...255, using: &chance) : 32
      }
      var end = 0
      for piece in splitter.pieces(of: text.span) {
        #expect(piece.lowerBound == end && !piece.isEmpty)
        end = piece.upperBound
      }
      #expect(end == text.count)
    }
  }

  /// Cut where `cut` says, a text gives the same pieces in two halves as whole.
  @Test(arguments: Splitter.allCases) func cutsAreSafe(splitter: Splitter) throws {
    let tokenizer = BytePairTokenizer(merging: [], layout: .language(), splitter: splitter)
    let text = try PeerFixtures.read().texts.flatMap { Array($0.utf8) }
    let whole = splitter.pieces(of: text.span)
    var cuts = 0
    for start in stride(from: 1, to: text.count, by: 7) {
      let cut = tokenizer.cut(in: text.span, from: start)
      if cut == text.count { continue }
      cuts += 1
      #expect(cut >= start)
      let head = splitter.pieces(of: Array(text[..<cut]).span)
      let tail = splitter.pieces(of: Array(text[cut...]).span).map { $0.lowerBound + cut..<$0.upperBound + cut }
      #expect(head + tail == whole, "cut at \(cut)")
    }
    #expect(cuts > 10 || splitter == .none)
  }

  @Test(arguments: ["a", "A", " ", "\n", "\u{301}", "1", ".", "'", "\u{2B0}"]) func longRunsAreLinear(unit: String) {
    let text = Array(String(repeating: unit, count: 1 << 20).utf8)
    for splitter in Splitter.allCases {
      let clock = ContinuousClock()
      let duration = clock.measure { _ = splitter.pieces(of: text.span) }
      #expect(duration < .seconds(1), "\(splitter)")
    }
  }
}
