import MiniGPTAllocationCounter
import MiniGPTPlatform
import MiniGPTTestSupport
import Testing
import MiniGPTTransformer

@Suite struct AllocationTests {
  /// In a process of its own, where nobody else asks for memory.
  @Test(.enabled(if: allocations_counted() == 1, "a sanitizer owns malloc"))
  func aStepTakesNoMemory() async {
    await #expect(processExitsWith: .success) {
      let shapes =
        NormPlacement.allCases.map {
          GPTConfiguration(
            vocabularySize: 71, context: 70, layers: 2, heads: 2, width: 32, positions: .sinusoidal, norm: $0)
        } + BlockVariant.all.map { $0.text(vocabularySize: 71, context: 70, layers: 2) }
      for shape in shapes {
        let run = try GPTRun(shape, batch: 2, length: 70, logitRows: 64)
        run.write(ids: someIds(140, 71), targets: someIds(140, 71, 2))
        for rate in [Float(0), 0.2] {
          run.step(DropoutStep(seed: 1, step: 1, firstSample: 0, rate: rate))
          let before = allocations_all()
          for step in 2..<12 { run.step(DropoutStep(seed: 1, step: step, firstSample: 0, rate: rate)) }
          let taken = allocations_all() - before
          check(taken == 0, "\(taken) allocations in ten steps, \(shape), dropout \(rate)")
        }
      }
    }
  }

  /// Else the test above would prove nothing.
  @Test(.enabled(if: allocations_counted() == 1, "a sanitizer owns malloc"))
  func theCounterCounts() {
    let before = allocations_all()
    let array = [Int](repeating: 1, count: 1000 + Int(before % 2))
    #expect(array.count >= 1000)
    #expect(allocations_all() > before)
  }
}
