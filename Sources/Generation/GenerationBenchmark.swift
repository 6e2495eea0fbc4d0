internal import Platform
package import Parallel
package import Tensors
package import Transformer

/// How many tokens a second a shape generates: a prompt of eight tokens, then one token a step for each text.
package struct GenerationBenchmark {
  package let sequences: Int
  private let generator: TextGenerator
  private let configuration: GPTConfiguration
  private let weightBytes: Int

  /// Weights are made up; their values do not matter to the speed.
  package init(
    _ configuration: GPTConfiguration, weights type: WeightType, sequences: Int = 1, pool: WorkerPool, kernels: Kernels
  ) {
    let model = GPT(configuration), parameters = ParameterStorage(count: model.layout.count)
    let memory = Memory(
      parameters: parameters, trains: false, activations: 0, indices: 0, scratch: 0, pool: pool, kernels: kernels)
    for parameter in model.layout.parameters { memory.fill(parameter.slot, parameter.start == .ones ? 1 : 0.01) }
    let weights = model.decodingWeights(type, of: parameters, pool: pool, kernels: kernels)
    generator = TextGenerator(
      model, parameters: parameters, weights: weights, sequences: sequences, pool: pool, kernels: kernels)
    self.configuration = configuration
    self.sequences = sequences
    weightBytes =
      type == .fp32 ? 4 * model.decodingMatrices.reduce(0) { $0 + $1.rows * $1.columns } : weights.byteCount
  }

  /// What was seen.
  package struct Result: Sendable {
    /// Of all texts together.
    package let tokensPerSecond: Double
    /// Bytes of weights and cache that a step reads, in the mean.
    package let bytesPerStep: Double
    package let secondsPerStep: Double
  }

  /// Steps of one token for each text, as many as the context has room for at most; nil when told to stop.
  package func run(steps: Int, shouldStop: () -> Bool = { false }) -> Result? {
    let count = max(1, min(steps, configuration.context - 9))
    generator.start([1, 2, 3, 4, 5, 6, 7, 8].map { $0 % Int32(configuration.vocabularySize) })
    for sequence in 0..<sequences { generator.append(Int32(sequence % configuration.vocabularySize), to: sequence) }
    _ = generator.nextLogits()
    let start = MonotonicTime.now
    for step in 0..<count {
      if shouldStop() { return nil }
      for sequence in 0..<sequences {
        generator.append(Int32((step * 7 + sequence) % configuration.vocabularySize), to: sequence)
      }
      for sequence in 0..<sequences { _ = generator.nextLogits(of: sequence) }
    }
    let seconds = MonotonicTime.now - start
    let cache = 8 * configuration.layers * configuration.width * sequences * (10 + count / 2)
    return Result(
      tokensPerSecond: Double(count * sequences) / seconds, bytesPerStep: Double(weightBytes + cache),
      secondsPerStep: seconds / Double(count))
  }
}
