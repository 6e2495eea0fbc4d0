package import MiniGPTCheckpoints
package import MiniGPTDatasets
package import MiniGPTParallel
package import MiniGPTTensors
package import MiniGPTTokenization
package import MiniGPTTransformer

/// A GPT and windows of a text: every token is predicted from those before it.
package final class LanguageModelTask: TrainingTask {
  package let model: GPT
  package let memory: Memory
  private let training: TokenSequence
  private let validation: TokenSequence?
  private let gradient: BatchGradient
  private let byteLengths: [Int32]

  fileprivate init(
    _ shape: GPTConfiguration, _ configuration: TrainingConfiguration, _ tokenizer: any Tokenizer,
    training: TokenSequence, validation: TokenSequence?, recomputes: Bool, pool: WorkerPool, kernels: Kernels
  ) {
    model = GPT(shape)
    self.training = training
    self.validation = validation.flatMap { $0.count >= 2 ? $0 : nil }
    gradient = BatchGradient(model, batch: configuration.batchSize, recomputes: recomputes)
    memory = Memory(
      parameters: ParameterStorage(count: model.layout.count), trains: true,
      activations: gradient.activations.count, indices: gradient.activations.indexCount,
      scratch: model.scratch(length: shape.context), pool: pool, kernels: kernels,
      precision: configuration.precision)
    byteLengths = tokenizer.tokenByteLengths
    model.prepare(gradient.activations, in: memory)
  }

  package var holdsOut: Bool { validation != nil }
  package var measuresBLEU: Bool { false }

  package func learn(update: Int, _ configuration: TrainingConfiguration) -> (loss: Double, gradientScale: Double) {
    let positions = configuration.batchSize * model.configuration.context * configuration.gradientAccumulation
    var total = 0.0
    for turn in 0..<configuration.gradientAccumulation {
      let firstOfTurn = turn * configuration.batchSize
      total += gradient.add(
        scale: 1 / Float(positions), smoothing: Float(configuration.labelSmoothing),
        dropout: { first in
          DropoutContext(
            seed: configuration.seed, step: update, firstSample: firstOfTurn + first, rate: Float(configuration.dropout)
          )
        }, in: memory,
        fill: { ids, targets, first in
          LanguageModelWindows.fill(
            ids, targets, from: training, context: model.configuration.context, seed: configuration.seed, step: update,
            firstSample: firstOfTurn + first, in: memory)
        })
    }
    return (total / Double(positions), 1)
  }

  package func evaluate(shouldStop: () -> Bool) -> EvaluationResult? {
    guard let validation else { return nil }
    return Evaluation.run(model, gradient.activations, tokens: validation, byteLengths: byteLengths, in: memory) { _ in
      !shouldStop()
    }
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
    validation: TokenSequence?, recomputes: Bool = false, pool: WorkerPool, kernels: Kernels,
    availableMemory: Int? = nil, corpusName: String = "the corpus"
  ) throws {
    try Self.validate(shape, record.configuration, tokenizer)
    if training.count <= shape.context {
      throw DatasetError.tooShort(what: corpusName, tokens: training.count, context: shape.context)
    }
    try TrainingError.checkMemory(
      Self.memoryNeeded(shape, record.configuration, recomputes: recomputes), available: availableMemory)
    self.init(
      LanguageModelTask(
        shape, record.configuration, tokenizer, training: training, validation: validation,
        recomputes: recomputes, pool: pool, kernels: kernels), record: record, tokenizer: tokenizer,
      corpusName: corpusName)
  }

  /// Bytes that a training takes: weights, gradients, two moments, activations.
  package static func memoryNeeded(
    _ shape: GPTConfiguration, _ configuration: TrainingConfiguration, recomputes: Bool = false
  ) -> Int {
    let chunks = BatchGradient.chunks(batch: configuration.batchSize, length: shape.context)
    let batch = (configuration.batchSize + chunks - 1) / chunks
    let (rows, tooMany) = batch.multipliedReportingOverflow(by: shape.context)
    // Before anything is planned by it: what a row takes at the least.
    let ofALayer = recomputes ? shape.width : 10 * shape.width + 16
    let (least, overflow) = rows.multipliedReportingOverflow(by: shape.layers * ofALayer)
    if tooMany || overflow || least > 1 << 44 { return 1 << 46 }
    let activations = GPT.Activations(
      shape, batch: batch, length: shape.context, trains: true, recomputes: recomputes,
      logitRows: LanguageModelLoss.rows(vocabulary: shape.vocabularySize))
    return 4 * (4 * shape.parameterCount + activations.count + activations.indexCount)
  }
}
