import MiniGPTGeneration
import Testing

@Suite struct RepetitionPenaltyTests {
  private func sampler(_ penalty: Float, temperature: Float = 0) -> Sampler {
    var configuration = SamplingConfiguration()
    configuration.repetitionPenalty = penalty
    configuration.temperature = temperature
    return Sampler(configuration)
  }

  @Test func whatWasSaidBecomesLessLikely() {
    var plain = sampler(1), penalised = sampler(1.5)
    let logits: [Float] = [2, 1.5, 1, -1]
    #expect((0..<4).map { _ in plain.next(logits) } == [0, 0, 0, 0])
    // 2 → 1.333, then 1.5 → 1, then 1.333 stands first, however often it is said.
    #expect((0..<4).map { _ in penalised.next(logits) } == [0, 1, 0, 0])
  }

  @Test func thePromptCounts() {
    var one = sampler(2)
    one.observe([0, 0, 5, -1])
    #expect(one.next([3, 2, 1, 0]) == 1)
  }

  /// Dividing a logit below zero would make it likelier.
  @Test func logitsBelowZeroAreMultiplied() {
    var one = sampler(2)
    one.observe([0])
    #expect(one.next([-1, -1.5]) == 1)
    var encouraged = sampler(0.5)
    encouraged.observe([1])
    #expect(encouraged.next([-1, -1.5]) == 1)
  }

  /// z = (ln 4, 0) and θ = 2: ln 4 / 2 = ln 2, so 2 : 1. The frequencies of 60,000 draws lie within five deviations of
  /// it, which would fail by chance once in 1.7 million seeds.
  @Test func frequenciesAreThoseOfThePenalisedLogits() {
    var one = sampler(2, temperature: 1)
    one.observe([0, 1])
    let count = 60_000
    let zeros = (0..<count).reduce(0) { sum, _ in sum + (one.next([1.386_294_4, 0]) == 0 ? 1 : 0) }
    let deviation = (Double(count) * 2 / 9).squareRoot()
    #expect(abs(Double(zeros) - Double(count) * 2 / 3) < 5 * deviation)
  }

  @Test func vocabulariesMayDiffer() {
    var one = sampler(2)
    #expect(one.next([1, 3]) == 1)
    #expect(one.next([1, 3, 2, 0]) == 2)
    #expect(one.next([1]) == 0)
  }
}
