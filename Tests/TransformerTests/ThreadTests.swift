import MiniGPTTensors
import Testing
import MiniGPTTransformer

/// The number of threads shows in no bit, nor does the number of rows of logits at a time in the forward ones.
@Suite struct ThreadTests {
  @Test(arguments: InstructionSet.available, NormPlacement.allCases)
  func anyNumberOfThreadsGivesTheSameBits(set: InstructionSet, norm: NormPlacement) throws {
    let configuration = GPTConfiguration(
      vocabularySize: 83, context: 72, layers: 2, heads: 4, width: 52, feedForwardWidth: 141,
      positions: .learned, norm: norm)
    try expectTheSameBits(configuration, set, .fp32)
  }

  /// Qwen3's shape, where the norms of queries and keys sum over bands of rows, and more than one.
  @Test(arguments: InstructionSet.available, Precision.allCases)
  func soItIsToday(set: InstructionSet, precision: Precision) throws {
    var block = BlockConfiguration(heads: 4, width: 52, feedForwardWidth: 141, positions: .rotary, activation: .silu)
    (block.normKind, block.hasBiases, block.isGated) = (.rms, false, true)
    (block.keyValueHeads, block.headWidth, block.normalizesQueriesAndKeys) = (2, 14, true)
    var configuration = GPTConfiguration(vocabularySize: 83, context: 72, layers: 2, block: block)
    configuration.isTied = false
    try expectTheSameBits(configuration, set, precision)
  }

  private func expectTheSameBits(
    _ configuration: GPTConfiguration, _ set: InstructionSet, _ precision: Precision
  ) throws {
    let context = DropoutStep(seed: 3, step: 11, firstSample: 5, rate: 0.2)
    let ids = someIds(3 * 70, 83), targets = someIds(3 * 70, 83, 2)
    var first: (hidden: [UInt32], losses: [UInt32], gradients: [[UInt32]])?
    for threads in [1, 2, 3] {
      for _ in 0..<2 {
        let run = try GPTRun(
          configuration, batch: 3, length: 70, threads: threads, set: set, precision: precision, logitRows: 64)
        run.write(ids: ids, targets: targets)
        let hidden = bits(run.hidden(ids, context))
        run.step(context)
        let losses = bits(run.memory.read(run.losses))
        let gradients = run.gpt.layout.parameters.map { bits(run.gradient($0)) }
        guard let first else {
          first = (hidden, losses, gradients)
          continue
        }
        #expect(hidden == first.hidden, "\(threads) threads")
        #expect(losses == first.losses, "\(threads) threads")
        for (index, parameter) in run.gpt.layout.parameters.enumerated() {
          #expect(gradients[index] == first.gradients[index], "\(parameter.name), \(threads) threads")
        }
      }
    }
  }

  /// A second step in the same memory finds nothing of the first.
  @Test(arguments: NormPlacement.allCases) func stepsLeaveNothingBehind(norm: NormPlacement) throws {
    let configuration = GPTConfiguration(
      vocabularySize: 23, context: 9, layers: 2, heads: 2, width: 14, feedForwardWidth: 27, norm: norm)
    let run = try GPTRun(configuration, batch: 2, length: 9)
    func gradients(_ seed: Int, _ rate: Float) -> [[UInt32]] {
      run.write(ids: someIds(18, 23, seed), targets: someIds(18, 23, seed + 1))
      run.step(DropoutStep(seed: 3, step: seed, firstSample: 0, rate: rate))
      return run.gpt.layout.parameters.map { bits(run.gradient($0)) }
    }
    let once = gradients(1, 0.3)
    #expect(gradients(5, 0) != once)
    #expect(gradients(1, 0.3) == once)
  }
}
