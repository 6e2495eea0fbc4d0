internal import MiniGPT
internal import MiniGPTPlatform

/// A model that continues prompts.
final class Speaker {
  let tokenizer: any Tokenizer
  private let generator: TextGenerator

  /// The most tokens that the model sees at once.
  var context: Int { generator.model.configuration.context }

  /// - Parameters:
  ///   - weights: in which numbers they are read; they are packed once, here.
  ///   - sequences: how many texts at once.
  init(_ checkpoint: Checkpoint, _ machine: Machine, weights: NumberFormat = .fp32, sequences: Int = 1) throws {
    let reader = DecodingWeightsReader(checkpoint)
    let tokenizer = try checkpoint.tokenizer()
    let (model, parameters, packed) = try reader.pack(weights, on: machine.processor)
    generator = TextGenerator(
      model, parameters: parameters, weights: packed, sequences: sequences, on: machine.processor)
    self.tokenizer = tokenizer
  }

  /// Feeds on weights that are being trained.
  init(_ trainer: TextTrainer, _ machine: Machine) {
    generator = TextGenerator(
      trainer.model, parameters: trainer.memory.parameters, on: machine.processor)
    tokenizer = trainer.tokenizer
  }

  /// Continues `prompt`, or begins a text where it is empty, in whole characters up to a stop text. Characters that may
  /// begin one wait until that is known.
  ///
  /// The n-th sample of a seed is the same whatever was said before.
  func say(
    _ prompt: [Int32], _ options: SamplingOptions, seed: UInt64, sample: Int, text: ([UInt8]) throws -> Void
  ) throws -> Speech.Answer {
    try say(prompt, options, seed: seed, samples: sample, count: 1) { _, shown in try text(shown) }[0]
  }

  /// The same as an answer on a line of its own, each character as soon as it is known.
  func say(
    _ prompt: [Int32], _ options: SamplingOptions, seed: UInt64, sample: Int, to console: Console
  ) throws -> Speech.Answer {
    let answer = try say(prompt, options, seed: seed, sample: sample) { text in
      try console.answer(text: text)
      try console.flush()
    }
    try console.answer(line: "")
    try console.flush()
    return answer
  }

  /// Several texts from one prompt, which share each pass over the weights: samples `first` and those behind it, as many
  /// as the speaker was made for. `text` gets what is shown of a text, by its place.
  ///
  /// Each is the same as if it were alone.
  func say(
    _ prompt: [Int32], _ options: SamplingOptions, seed: UInt64, samples first: Int, count: Int,
    text: (Int, [UInt8]) throws -> Void
  ) throws -> [Speech.Answer] {
    let ends = tokenizer.marks.ends
    try start(prompt, excluding: options.ignoresEnd ? ends : [])
    var samplers = (0..<generator.sequences).map { Sampler(options.configuration(seed: seed), sample: first + $0) }
    for index in samplers.indices { samplers[index].observe(prompt) }
    var speeches = samplers.indices.map { _ in Speech(tokenizer, options) }
    var running = [Bool](repeating: true, count: samplers.count)
    var tokens = [Int32](repeating: 0, count: samplers.count)
    func end(_ index: Int, _ end: Speech.End) throws {
      running[index] = false
      generator.finish(index)
      let rest = speeches[index].finish(end)
      if !rest.isEmpty { try text(index, rest) }
    }
    for index in count..<max(count, samplers.count) { try end(index, .longEnough) }
    var left = options.newTokens ?? SamplingOptions.usualNewTokens
    while left > 0 && running.contains(true) && !Interruption.isRequested {
      generator.next(&samplers, into: &tokens)
      for index in running.indices where running[index] {
        if ends.contains(tokens[index]) {
          try end(index, .endOfText)
          continue
        }
        let shown = speeches[index].take(tokens[index])
        if !shown.isEmpty { try text(index, shown) }
        if speeches[index].isStopped { try end(index, .stopText) }
      }
      left -= 1
    }
    for index in running.indices where running[index] { try end(index, left == 0 ? .longEnough : .interrupted) }
    return speeches.prefix(count).map(\.answer)
  }

  private func start(_ prompt: [Int32], excluding excluded: [Int32] = []) throws {
    generator.start(try tokenizer.opening(prompt))
    generator.excluded = tokenizer.unusedIds + excluded
    if !generator.nextLogits().contains(where: \.isFinite) { throw NotFinite() }
  }

  // MARK: - Looking into the model

  /// What may come after `prompt`.
  func expectations(after prompt: [Int32]) throws -> TokenProbabilities {
    try start(prompt)
    return TokenProbabilities(logits: generator.nextLogits())
  }

  /// -log of how likely each token of `ids` but the first is after those before it, in windows of the context, as
  /// `minigpt eval` walks.
  func losses(of ids: [Int32]) -> [Double] { generator.losses(of: ids) }
}

/// A model whose weights are broken: what it says would be one token for ever.
struct NotFinite: Error, CustomStringConvertible {
  var description: String { "the model's logits are not finite: its weights are broken" }
}
