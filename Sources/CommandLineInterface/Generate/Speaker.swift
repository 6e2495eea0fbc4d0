internal import MiniGPT
internal import Platform

/// A model that continues prompts.
final class Speaker {
  let tokenizer: any Tokenizer
  private let generator: TextGenerator
  private let endOfText: Int32

  init(_ checkpoint: Checkpoint, _ machine: Machine) throws {
    let tokenizer = try checkpoint.tokenizer()
    generator = TextGenerator(
      GPT(checkpoint.configuration), parameters: try checkpoint.parameters(), pool: machine.pool,
      kernels: machine.kernels)
    self.tokenizer = tokenizer
    endOfText = tokenizer.endOfText ?? -1
  }

  /// Feeds on weights that are being trained.
  init(_ trainer: Trainer, _ machine: Machine) {
    generator = TextGenerator(
      trainer.model, parameters: trainer.memory.parameters, pool: machine.pool, kernels: machine.kernels)
    tokenizer = trainer.tokenizer
    endOfText = tokenizer.endOfText ?? -1
  }

  /// Why a continuation ended.
  enum End {
    case endOfText, longEnough, interrupted
  }

  /// Continues `prompt`, or begins a text where it is empty, and hands out each token.
  ///
  /// The n-th sample of a seed is the same whatever was said before.
  func speak(
    _ prompt: [Int32], _ options: SamplingOptions, seed: UInt64, sample: Int, token: (Int32) throws -> Void
  ) throws -> End {
    generator.start(prompt.isEmpty ? [endOfText] : prompt)
    var configuration = SamplingConfiguration()
    configuration.temperature = options.greedy ? 0 : Float(options.temperature)
    configuration.topK = options.topK
    configuration.topP = Float(options.topP)
    configuration.seed = seed
    var sampler = Sampler(configuration, sample: sample)
    for _ in 0..<options.newTokens {
      if Interruption.isRequested { return .interrupted }
      let next = generator.next(&sampler, excluding: options.ignoresEnd ? endOfText : nil)
      if next == endOfText { return .endOfText }
      try token(next)
    }
    return .longEnough
  }
}
