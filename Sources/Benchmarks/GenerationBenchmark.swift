internal import MiniGPTGeneration
internal import MiniGPTPlatform
package import MiniGPTTensors
package import MiniGPTTransformer

/// How many tokens a second a model generates: a prompt of eight tokens, then one token a step for each text.
package struct GenerationBenchmark {
  private let model: GPT
  private let parameters: ParameterStorage
  private let weights: DecodingWeights
  private let processor: Processor

  /// The weights of a model, which nobody else may read from now on.
  package init(
    _ model: GPT, _ parameters: ParameterStorage, weights type: NumberFormat, on processor: Processor
  ) {
    self.model = model
    self.parameters = parameters
    self.processor = processor
    weights = model.decodingWeights(type, of: parameters, discarding: true, on: processor)
  }

  /// A shape alone: weights are made up, as their values do not matter to the speed.
  package init(_ configuration: GPTConfiguration, weights type: NumberFormat, on processor: Processor) {
    let model = GPT(configuration), parameters = ParameterStorage(count: model.layout.count)
    let memory = Memory(MemoryPlan(), parameters, on: processor)
    for parameter in model.layout.parameters { memory.fill(parameter.slot, parameter.start == .ones ? 1 : 0.01) }
    self.init(model, parameters, weights: type, on: processor)
  }

  /// What was seen.
  package struct Result: Sendable {
    /// Of all texts together.
    package let tokensPerSecond: Double
    /// Bytes of weights and cache that a step reads, in the mean.
    package let bytesPerStep: Double
    package let secondsPerStep: Double
  }

  /// The quickest of `turns` turns of `steps` steps, as many as the context has room for at most; nil when told to stop.
  package func run(sequences: Int = 1, steps: Int, turns: Int = 1, shouldStop: () -> Bool = { false }) -> Result? {
    let configuration = model.configuration, count = max(1, min(steps, configuration.context - 9))
    let generator = TextGenerator(
      model, parameters: parameters, weights: weights, sequences: sequences, on: processor)
    var seconds = Double.infinity
    for _ in 0..<turns {
      guard let turn = Self.turn(generator, configuration.vocabularySize, count, shouldStop) else { return nil }
      seconds = min(seconds, turn)
    }
    let cache = 8 * configuration.layers * configuration.width * sequences * (10 + count / 2)
    return Result(
      tokensPerSecond: Double(count * sequences) / seconds, bytesPerStep: Double(weights.byteCount + cache),
      secondsPerStep: seconds / Double(count))
  }

  private static func turn(
    _ generator: TextGenerator, _ vocabulary: Int, _ steps: Int, _ shouldStop: () -> Bool
  ) -> Double? {
    generator.start([1, 2, 3, 4, 5, 6, 7, 8].map { $0 % Int32(vocabulary) })
    for sequence in 0..<generator.sequences { generator.append(Int32(sequence % vocabulary), to: sequence) }
    _ = generator.nextLogits()
    let start = MonotonicTime.now
    for step in 0..<steps {
      if shouldStop() { return nil }
      for sequence in 0..<generator.sequences {
        generator.append(Int32((step * 7 + sequence) % vocabulary), to: sequence)
      }
      for sequence in 0..<generator.sequences { _ = generator.nextLogits(of: sequence) }
    }
    return MonotonicTime.now - start
  }
}
