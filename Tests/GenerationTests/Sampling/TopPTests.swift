import MiniGPTGeneration
import MiniGPTTensors
import Testing

/// Large vocabularies, where the nucleus is found without sorting all of it.
@Suite struct TopPTests {
  private func draws(_ count: Int, _ logits: [Float], _ configuration: SamplingConfiguration) -> [Int32] {
    var sampler = Sampler(configuration)
    return (0..<count).map { _ in sampler.next(logits) }
  }

  @Test(arguments: [0.05, 0.3, 0.5, 0.9, 0.99, 0.9999] as [Float]) func aSortedListGivesTheSame(topP: Float) {
    let stream = RandomStream(seed: 8, .dropout, place: 9)
    for spread in [0.0, 1, 8] {
      // The last one has no weight.
      let logits = (0..<3000).map { Float((stream.uniform($0) * spread * 4).rounded() / 4) } + [-1e9]
      var short = SamplingConfiguration(), sorted = SamplingConfiguration()
      short.topP = topP
      sorted.topP = topP
      // Asked for less than all, top-k sorts.
      sorted.topK = 3000
      short.temperature = 1
      sorted.temperature = 1
      let plain = draws(30, logits, short)
      let isEqual = plain == draws(30, logits, sorted)
      #expect(isEqual, "\(spread)")
      #expect(Set(plain).count > 1 || spread == 8)
    }
  }

  @Test func aShareOfEqualTokens() {
    var half = SamplingConfiguration()
    half.topP = 0.5
    half.temperature = 1
    let ids = draws(4000, [Float](repeating: -3, count: 1000), half)
    #expect((ids.max() ?? 0) == 499 && (ids.min() ?? 9) < 5)
  }
}
