import MiniGPTCheckpoints
import Testing
import MiniGPTTraining

@Suite struct LearningRateScheduleTests {
  private func rates(_ kind: ScheduleKind, warmup: Int, steps: Int, _ places: [Int]) -> [Double] {
    var configuration = TrainingConfiguration()
    configuration.schedule = kind
    configuration.learningRate = 8
    configuration.minimumLearningRate = 2
    configuration.warmup = warmup
    configuration.steps = steps
    let schedule = LearningRateSchedule(configuration)
    return places.map { schedule.rate(at: $0) }
  }

  private func expect(
    _ found: [Double], _ expected: [Double], sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(found.count == expected.count, sourceLocation: sourceLocation)
    for (a, b) in zip(found, expected) { #expect(abs(a - b) < 1e-12, sourceLocation: sourceLocation) }
  }

  @Test(arguments: ScheduleKind.allCases) func warmsUpInALine(kind: ScheduleKind) {
    expect(rates(kind, warmup: 4, steps: 12, [0, 1, 2, 3]), [2, 4, 6, 8])
  }

  @Test func cosine() {
    let half = 0.5.squareRoot()
    expect(
      rates(.cosine, warmup: 4, steps: 12, [4, 6, 8, 10, 12, 100]),
      [8, 5 + 3 * half, 5, 5 - 3 * half, 2, 2])
  }

  @Test func linear() { expect(rates(.linear, warmup: 4, steps: 12, [4, 6, 8, 10, 12, 100]), [8, 6.5, 5, 3.5, 2, 2]) }

  @Test func plateau() {
    // The last six of ten updates.
    expect(rates(.plateau, warmup: 2, steps: 10, [2, 4, 5, 7, 9, 10, 100]), [8, 8, 7, 5, 3, 2, 2])
  }

  @Test func constant() { expect(rates(.constant, warmup: 4, steps: 12, [4, 8, 12, 100]), [8, 8, 8, 8]) }

  @Test func inverseSquareRoot() {
    expect(rates(.inverseSquareRoot, warmup: 4, steps: 12, [4, 8, 15, 99]), [8 * 0.8.squareRoot(), 16 / 3, 4, 1.6])
  }

  @Test func withoutWarmUpTheFirstRateIsThePeak() {
    for kind in ScheduleKind.allCases { expect(rates(kind, warmup: 0, steps: 12, [0]), [8]) }
    expect(rates(.cosine, warmup: 0, steps: 12, [6]), [5])
    expect(rates(.inverseSquareRoot, warmup: 0, steps: 12, [3]), [4])
  }

  /// A run that ends within its warm-up, or with it.
  @Test(arguments: ScheduleKind.allCases) func fewerStepsThanWarmUp(kind: ScheduleKind) {
    expect(rates(kind, warmup: 16, steps: 2, [0, 1, 15]), [0.5, 1, 8])
    expect(rates(kind, warmup: 2, steps: 2, [0, 1]), [4, 8])
    expect(rates(kind, warmup: 0, steps: 0, [0]), [8])
    #expect(rates(kind, warmup: 2, steps: 2, [2, 3]).allSatisfy { $0.isFinite && $0 >= 2 && $0 <= 8 })
  }
}
