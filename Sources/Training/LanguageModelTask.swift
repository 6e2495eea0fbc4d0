package import Checkpoints
package import Datasets
package import Parallel
package import Tensors
package import Tokenization
package import Transformer

/// A GPT and windows of a text: every token is predicted from those before it.
package final class LanguageModelTask: TrainingTask {
  package let model: GPT
  package let memory: Memory
  private let training: TokenSequence
  private let validation: TokenSequence?
  private let activations: GPT.Activations
  private let byteLengths: [Int32]

  fileprivate init(
    _ shape: GPTConfiguration, _ configuration: TrainingConfiguration, _ tokenizer: any Tokenizer,
    training: TokenSequence, validation: TokenSequence?, pool: WorkerPool, kernels: Kernels
  ) {
    model = GPT(shape)
    self.training = training
    self.validation = validation.flatMap { $0.count >= 2 ? $0 : nil }
    activations = GPT.Activations(
      shape, batch: configuration.batchSize, length: shape.context, trains: true,
      logitRows: LanguageModelLoss.rows(vocabulary: shape.vocabularySize))
    memory = Memory(
      parameters: ParameterStorage(count: model.layout.count), trains: true, activations: activations.count,
      indices: activations.indexCount, scratch: model.scratch(length: shape.context), pool: pool, kernels: kernels)
    byteLengths = tokenizer.tokenByteLengths
    model.prepare(activations, in: memory)
  }

  package var holdsOut: Bool { validation != nil }

  package func learn(update: Int, _ configuration: TrainingConfiguration) -> (loss: Double, gradientScale: Double) {
    let positions = activations.ids.count * configuration.gradientAccumulation
    var total = 0.0
    for batch in 0..<configuration.gradientAccumulation {
      let firstSample = batch * configuration.batchSize
      LanguageModelWindows.fill(
        activations.ids, activations.targets, from: training, context: model.configuration.context,
        seed: configuration.seed, step: update, firstSample: firstSample, in: memory)
      let dropout = DropoutContext(
        seed: configuration.seed, step: update, firstSample: firstSample, rate: Float(configuration.dropout))
      model.forward(activations, dropout, in: memory)
      LanguageModelLoss.forwardAndBackward(
        model, activations, scale: 1 / Float(positions), smoothing: Float(configuration.labelSmoothing), in: memory)
      model.backward(activations, dropout, in: memory)
      total += memory.sum(activations.losses)
    }
    return (total / Double(positions), 1)
  }

  package func evaluate() -> EvaluationResult? {
    guard let validation else { return nil }
    return Evaluation.run(model, activations, tokens: validation, byteLengths: byteLengths, in: memory)
  }
}

/// Trains a language model.
package typealias Trainer = ModelTrainer<LanguageModelTask>

extension ModelTrainer where Task == LanguageModelTask {
  /// A trainer with fresh weights; `resume` and `initialize` replace them.
  ///
  /// `validation` may be nil or empty where nothing is held out.
  package convenience init(
    _ shape: GPTConfiguration, record: TrainingRecord, tokenizer: any Tokenizer, training: TokenSequence,
    validation: TokenSequence?, pool: WorkerPool, kernels: Kernels, availableMemory: Int? = nil,
    corpusName: String = "the corpus"
  ) throws {
    try Self.validate(shape, record.configuration, tokenizer)
    if training.count <= shape.context {
      throw DatasetError.tooShort(what: corpusName, tokens: training.count, context: shape.context)
    }
    try TrainingError.checkMemory(Self.memoryNeeded(shape, record.configuration), available: availableMemory)
    self.init(
      LanguageModelTask(
        shape, record.configuration, tokenizer, training: training, validation: validation, pool: pool,
        kernels: kernels), record: record, tokenizer: tokenizer, corpusName: corpusName)
  }

  /// Bytes that a training takes: weights, gradients, two moments, activations.
  package static func memoryNeeded(_ shape: GPTConfiguration, _ configuration: TrainingConfiguration) -> Int {
    let (rows, tooMany) = configuration.batchSize.multipliedReportingOverflow(by: shape.context)
    // Before anything is planned by it: what a row takes at the least.
    let (least, overflow) = rows.multipliedReportingOverflow(by: shape.layers * (10 * shape.width + 16))
    if tooMany || overflow || least > 1 << 44 { return 1 << 46 }
    let activations = GPT.Activations(
      shape, batch: configuration.batchSize, length: shape.context, trains: true,
      logitRows: LanguageModelLoss.rows(vocabulary: shape.vocabularySize))
    return 4 * (4 * shape.parameterCount + activations.count + activations.indexCount)
  }
}
