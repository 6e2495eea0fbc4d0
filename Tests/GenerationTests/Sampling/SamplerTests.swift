import MiniGPTAllocationCounter
import MiniGPTGeneration
import MiniGPTPlatform
import MiniGPTTensors
import Testing

@Suite struct SamplerTests {
  private func configuration(
    temperature: Float = 1, topK: Int = 0, topP: Float = 1, minP: Float = 0, seed: UInt64 = 5
  ) -> SamplingConfiguration {
    var configuration = SamplingConfiguration()
    configuration.temperature = temperature
    configuration.topK = topK
    configuration.topP = topP
    configuration.minP = minP
    configuration.seed = seed
    return configuration
  }

  private func draws(
    _ count: Int, _ logits: [Float], _ configuration: SamplingConfiguration, sample: Int = 0, excluding: Int32? = nil
  ) -> [Int32] {
    var sampler = Sampler(configuration, sample: sample), logits = logits
    if let excluding { logits[Int(excluding)] = -.infinity }
    return (0..<count).map { _ in sampler.next(logits) }
  }

  /// Logits that look random, the likeliest far from the first.
  private let logits: [Float] = (0..<50).map { Float(RandomStream(seed: 3, .dropout, place: 9).uniform($0) * 4) }

  private var likeliest: Int32 { Int32(logits.firstIndex(of: logits.max() ?? 0) ?? -1) }

  @Test func takesTheLikeliest() {
    #expect(likeliest > 0)
    for seed: UInt64 in 0..<5 {
      let expected = [Int32](repeating: likeliest, count: 20)
      #expect(draws(20, logits, configuration(temperature: 0, seed: seed)) == expected)
      #expect(draws(20, logits, configuration(topK: 1, seed: seed)) == expected)
      #expect(draws(20, logits, configuration(topP: 0, seed: seed)) == expected)
      #expect(draws(20, logits, configuration(minP: 1, seed: seed)) == expected)
      #expect(draws(20, logits, configuration(temperature: 1e-30, seed: seed)) == expected)
      #expect(draws(20, logits, configuration(temperature: .leastNonzeroMagnitude, seed: seed)) == expected)
      #expect(draws(20, logits, configuration(temperature: -1, seed: seed)) == expected)
      #expect(draws(20, logits, configuration(temperature: 1e-5, seed: seed)) == expected)
    }
  }

  @Test func ofEqualLogitsTheLowerIdIsLikelier() {
    let flat = [Float](repeating: 1, count: 8)
    #expect(draws(3, flat, configuration(temperature: 0)) == [0, 0, 0])
    #expect(draws(3, flat, configuration(topK: 1)) == [0, 0, 0])
    #expect(Set(draws(400, flat, configuration(topK: 3))) == [0, 1, 2])
    #expect(Set(draws(400, flat, configuration(topP: 0.5))) == [0, 1, 2, 3])
    #expect(draws(3, flat, configuration(topP: 0)) == [0, 0, 0])
    // However cold it is, equal ones stay equally likely; only a temperature of 0 decides.
    #expect(Set(draws(400, flat, configuration(temperature: 1e-30))).count == 8)
    #expect(Set(draws(400, flat, configuration(minP: 1))).count == 8)
    #expect(Sampler.likeliest([2, 5, 5, 1]) == 1)
    #expect(draws(3, flat, configuration(temperature: 0), excluding: 0) == [1, 1, 1])
  }

  @Test func limitsThatTakeNothingAwayChangeNothing() {
    let all = Set(draws(4000, logits, configuration()))
    #expect(Set(draws(4000, logits, configuration(topK: 50))) == all)
    #expect(draws(300, logits, configuration(topK: 50)) == draws(300, logits, configuration()))
    #expect(draws(300, logits, configuration(topK: 1000)) == draws(300, logits, configuration()))
    #expect(draws(300, logits, configuration(topP: 1)) == draws(300, logits, configuration()))
    #expect(draws(300, logits, configuration(minP: 1e-9)) == draws(300, logits, configuration()))
    #expect(draws(300, logits, configuration(topP: .nan, minP: .nan)) == draws(300, logits, configuration()))
  }

  /// The least number of tokens whose probabilities together reach p; k is applied before it.
  @Test func keepsTheSmallestNucleus() {
    let logits = [0.1, 0.4, 0.2, 0.3].map { Float(Double.log($0)) }
    #expect(Set(draws(500, logits, configuration(topP: 0.39))) == [1])
    #expect(Set(draws(500, logits, configuration(topP: 0.41))) == [1, 3])
    #expect(Set(draws(500, logits, configuration(topP: 0.69))) == [1, 3])
    #expect(Set(draws(500, logits, configuration(topP: 0.71))) == [1, 2, 3])
    #expect(Set(draws(500, logits, configuration(topP: 0.95))) == [0, 1, 2, 3])
    // Among the two likeliest, 4/7 and 3/7.
    #expect(Set(draws(500, logits, configuration(topK: 2, topP: 0.56))) == [1])
    #expect(Set(draws(500, logits, configuration(topK: 2, topP: 0.58))) == [1, 3])
  }

  @Test func sameSeedSameDraws() {
    let once = draws(100, logits, configuration())
    #expect(draws(100, logits, configuration()) == once)
    #expect(draws(100, logits, configuration(seed: 6)) != once)
    #expect(draws(100, logits, configuration(), sample: 1) != once)
    #expect(Array(draws(100, logits, configuration()).prefix(10)) == draws(10, logits, configuration()))
  }

  @Test func neverTakesWhatIsExcluded() {
    for configuration in [
      configuration(), configuration(temperature: 0), configuration(topK: 5), configuration(topP: 0.9),
      configuration(temperature: 5, topK: 3, topP: 0.99),
    ] {
      #expect(!draws(500, logits, configuration, excluding: likeliest).contains(likeliest))
      #expect(!draws(500, [3, 1, 2], configuration, excluding: 0).contains(0))
    }
  }

  /// What a broken model says is drawn from all the same; nothing traps.
  @Test func logitsThatAreNoNumbersAreNoTrouble() {
    for broken: Float in [.nan, .infinity, -.infinity] {
      for configuration in [
        configuration(), configuration(topK: 2), configuration(topP: 0.5), configuration(minP: 0.5),
        configuration(temperature: 0), configuration(topK: 3, topP: 0.5, minP: 0.1),
      ] {
        for row in [[broken, 1, 2, 0], [1, 2, 0, broken], [broken, broken, broken, broken]] as [[Float]] {
          #expect(draws(20, row, configuration).allSatisfy { (0..<4).contains($0) })
          #expect(draws(20, row, configuration, excluding: 3).allSatisfy { (0..<4).contains($0) })
        }
      }
    }
  }

  @Test func largeLogitsAreNoTrouble() {
    #expect(draws(50, [1e30, -1e30, 0], configuration(temperature: 0.8)) == [Int32](repeating: 0, count: 50))
    #expect(draws(50, [-1e30, -3e38, -2e30], configuration(topP: 0.9)) == [Int32](repeating: 0, count: 50))
    #expect(draws(3, [7], configuration()) == [0, 0, 0])
  }

  /// In a process of its own, where nobody else asks for memory.
  @Test(.enabled(if: allocations_counted() == 1, "a sanitizer owns malloc"))
  func aTokenTakesNoMemory() async {
    await #expect(processExitsWith: .success) {
      for (topK, topP, minP, penalty) in [
        (0, 1, 0, 1), (40, 1, 0, 1), (0, 0.9, 0, 1.2), (0, 1, 0.1, 1), (40, 0.9, 0.05, 1.2),
      ] as [(Int, Float, Float, Float)] {
        var configuration = SamplingConfiguration()
        configuration.topK = topK
        configuration.topP = topP
        configuration.minP = minP
        configuration.repetitionPenalty = penalty
        var sampler = Sampler(configuration)
        let logits = (0..<5000).map { Float($0 % 977) / 200 }
        _ = sampler.next(logits)
        let before = allocations_all()
        for _ in 0..<20 { _ = sampler.next(logits) }
        let taken = allocations_all() - before
        check(taken == 0, "\(taken) allocations in twenty tokens, top-k \(topK), top-p \(topP)")
      }
    }
  }

  /// Pearson's χ² of 100,000 draws against the exact probabilities. Each case would fail by chance once in a million
  /// seeds, by Wilson and Hilferty's approximation of the distribution; the seeds being fixed, it never does.
  @Test(
    arguments: [
      (1.0, 0, 1.0, 0), (0.5, 0, 1.0, 0), (2.0, 0, 1.0, 0), (1.0, 7, 1.0, 0), (0.8, 0, 0.7, 0), (1.5, 20, 0.9, 0),
      (1.0, 50, 0.5, 0), (1.0, 0, 1.0, 0.1), (2.0, 0, 1.0, 0.3), (1.2, 30, 0.95, 0.15),
    ] as [(Float, Int, Float, Float)])
  func frequenciesAreTheProbabilities(temperature: Float, topK: Int, topP: Float, minP: Float) {
    let count = 100_000
    let expected = probabilities(Double(temperature), topK, Double(topP), Double(minP))
    var seen = [Int](repeating: 0, count: logits.count)
    let configuration = configuration(temperature: temperature, topK: topK, topP: topP, minP: minP)
    for id in draws(count, logits, configuration) { seen[Int(id)] += 1 }
    var chiSquare = 0.0, freedom = -1.0
    for (id, probability) in expected.enumerated() {
      if probability == 0 {
        #expect(seen[id] == 0)
        continue
      }
      let mean = probability * Double(count)
      chiSquare += (Double(seen[id]) - mean) * (Double(seen[id]) - mean) / mean
      freedom += 1
    }
    #expect(freedom > 2)
    // The quantile of 1 - 10⁻⁶ of the normal distribution.
    let spread = 2 / (9 * freedom), root = 1 - spread + 4.7534 * spread.squareRoot()
    #expect(chiSquare < freedom * root * root * root)
  }

  /// Temperature, top-k, top-p, min-p, by their definitions.
  private func probabilities(_ temperature: Double, _ topK: Int, _ topP: Double, _ minP: Double) -> [Double] {
    let order = logits.indices.sorted { (-logits[$0], $0) < (-logits[$1], $1) }
    var kept = Array(order.prefix(topK == 0 ? logits.count : topK))
    var weights = kept.map { Double.exp(Double(logits[$0]) / temperature) }
    func total() -> Double { weights.reduce(0, +) }
    if topP < 1 {
      let limit = topP * total()
      var sum = 0.0
      let count =
        1
        + (weights.firstIndex { weight in
          sum += weight
          return sum >= limit
        } ?? weights.count - 1)
      kept = Array(kept.prefix(count))
      weights = Array(weights.prefix(count))
    }
    weights = weights.filter { $0 >= minP * weights[0] }
    var result = [Double](repeating: 0, count: logits.count)
    for (id, weight) in zip(kept, weights) { result[id] = weight / total() }
    return result
  }
}
