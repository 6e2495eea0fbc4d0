package import MiniGPTCheckpoints
package import MiniGPTDatasets
package import MiniGPTParallel
package import MiniGPTTensors
package import MiniGPTTokenization
package import MiniGPTTransformer

/// A translator and sentence pairs: every token of a target is predicted from those before it and from the source.
package final class TranslationTask: TrainingTask {
  package let model: EncoderDecoder
  package let memory: Memory
  private let activations: EncoderDecoder.Activations
  private let places: SentenceBatch.Places
  private var training: PairBatches
  private var validation: PairBatches?
  private let byteLengths: [Int32]
  /// Batches of `training` that were taken.
  private var taken = 0
  /// Translates what was held out and measures it; asked at every evaluation, where there is one. Nil is stopped.
  package var bleu: (() throws -> Double?)?

  fileprivate init(
    _ shape: TranslatorConfiguration, _ tokenizer: any Tokenizer, training: PairBatches, validation: PairBatches?,
    recomputes: Bool, pool: WorkerPool, kernels: Kernels, precision: Precision
  ) {
    let capacity = Self.capacity(training, validation)
    model = EncoderDecoder(shape)
    places = SentenceBatch.Places(capacity)
    activations = Self.activations(shape, capacity, recomputes: recomputes)
    memory = Memory(
      parameters: ParameterStorage(count: model.layout.count), trains: true, activations: activations.count,
      indices: places.indexCount, scratch: model.scratch, pool: pool, kernels: kernels,
      precision: precision)
    self.training = training
    self.validation = validation
    byteLengths = tokenizer.tokenByteLengths
    model.prepare(activations, in: memory)
  }

  fileprivate static func capacity(_ training: PairBatches, _ validation: PairBatches?) -> SentenceBatch.Capacity {
    validation.map { training.capacity.joined($0.capacity) } ?? training.capacity
  }

  fileprivate static func activations(
    _ shape: TranslatorConfiguration, _ capacity: SentenceBatch.Capacity, recomputes: Bool
  ) -> EncoderDecoder.Activations {
    EncoderDecoder.Activations(
      shape, sourceRows: capacity.sourceRows, targetRows: capacity.targetRows, trains: true,
      recomputes: recomputes, logitRows: TokenLoss.rows(vocabulary: shape.outputSize))
  }

  package var holdsOut: Bool { validation != nil }
  package var measuresBLEU: Bool { bleu != nil }

  private func loss(_ batch: SentenceBatch) -> TokenLoss {
    let rows = 0..<batch.targets.count
    return TokenLoss(
      projection: model.outputProjection, hidden: activations.hidden.rows(rows),
      gradient: activations.gradient.rows(rows), logits: activations.logits, targets: batch.targets,
      losses: activations.losses.rows(rows))
  }

  /// Batches have as many targets as they have: gradients are those of the sum of all losses of the update, and are
  /// divided by the number of targets in the end.
  package func learn(update: Int, _ configuration: TrainingConfiguration) -> (loss: Double, gradientScale: Double) {
    if taken != update * configuration.gradientAccumulation {
      taken = update * configuration.gradientAccumulation
      training.seek(taken)
    }
    var total = 0.0, targets = 0, samples = 0
    for _ in 0..<configuration.gradientAccumulation {
      let planned = training.take()
      taken += 1
      let batch = training.fill(planned, into: places, padding: model.configuration.padding, in: memory)
      let dropout = DropoutContext(
        seed: configuration.seed, step: update, firstSample: samples, rate: Float(configuration.dropout))
      model.forward(batch.source, batch.input, activations, dropout, in: memory)
      let loss = loss(batch)
      loss.forwardAndBackward(scale: 1, smoothing: Float(configuration.labelSmoothing), in: memory)
      model.backward(batch.source, batch.input, activations, dropout, in: memory)
      total += memory.sum(loss.losses)
      targets += batch.targetTokens
      samples += planned.count
    }
    return (total / Double(targets), 1 / Double(targets))
  }

  package func evaluate(shouldStop: () -> Bool) throws -> EvaluationResult? {
    guard var result = loss(shouldStop) else { return nil }
    if let bleu {
      guard let score = try bleu() else { return nil }
      result.bleu = score
    }
    return result
  }

  /// The mean loss of all held-out targets, without smoothing.
  private func loss(_ shouldStop: () -> Bool) -> EvaluationResult? {
    guard var pairs = validation else { return nil }
    pairs.seek(0)
    var total = 0.0, tokens = 0, bytes = 0
    for _ in pairs.batches.indices {
      if shouldStop() { return nil }
      let batch = pairs.fill(pairs.take(), into: places, padding: model.configuration.padding, in: memory)
      model.forward(batch.source, batch.input, activations, nil, in: memory)
      let loss = loss(batch)
      loss.forward(in: memory)
      for row in 0..<batch.targets.count {
        let target = memory.index(batch.targets, row)
        if target < 0 { continue }
        total += Double(memory.value(loss.losses, row, 0))
        bytes += Int(byteLengths[Int(target)])
      }
      tokens += batch.targetTokens
    }
    return EvaluationResult(tokens: tokens, bytes: bytes, loss: total / Double(max(1, tokens)))
  }
}

/// Trains a translator.
package typealias TranslatorTrainer = ModelTrainer<TranslationTask>

extension ModelTrainer where Task == TranslationTask {
  /// A trainer with fresh weights; `resume` and `initialize` replace them. `validation` may be nil.
  package convenience init(
    _ shape: TranslatorConfiguration, record: TrainingRecord, tokenizer: any Tokenizer, training: EncodedPairs,
    validation: EncodedPairs?, recomputes: Bool = false, pool: WorkerPool, kernels: Kernels,
    availableMemory: Int? = nil, corpusName: String = "the pairs"
  ) throws {
    let configuration = record.configuration
    try Self.validate(shape, configuration, tokenizer)
    if training.count == 0 { throw DatasetError.noPairs(corpusName, first: training.skipped.first.first) }
    let batches = PairBatches(training, tokens: configuration.batchTokens, seed: configuration.seed)
    let heldOut = validation.flatMap { $0.count == 0 ? nil : $0 }
      .map { PairBatches($0, tokens: configuration.batchTokens, seed: nil) }
    try TrainingError.checkMemory(
      Self.memoryNeeded(shape, batches, heldOut, recomputes: recomputes), available: availableMemory)
    self.init(
      TranslationTask(
        shape, tokenizer, training: batches, validation: heldOut, recomputes: recomputes, pool: pool,
        kernels: kernels, precision: configuration.precision),
      record: record, tokenizer: tokenizer, corpusName: corpusName)
  }

  /// Bytes that a training takes: weights, gradients, two moments, activations of the largest batch.
  package static func memoryNeeded(
    _ shape: TranslatorConfiguration, _ training: PairBatches, _ validation: PairBatches?, recomputes: Bool = false
  ) -> Int {
    let capacity = TranslationTask.capacity(training, validation)
    // Before anything is planned by it: what a row takes at the least.
    let (least, overflow) = (capacity.sourceRows + capacity.targetRows).multipliedReportingOverflow(
      by: (shape.encoderLayers + shape.decoderLayers) * (recomputes ? shape.width : 8 * shape.width + 16))
    if overflow || least > 1 << 44 { return 1 << 46 }
    let activations = TranslationTask.activations(shape, capacity, recomputes: recomputes)
    return 4 * (4 * shape.parameterCount + activations.count + SentenceBatch.Places(capacity).indexCount)
  }

  /// Asked at every evaluation: the BLEU of the held-out pairs, nil if it was stopped on the way.
  package func measureBLEU(_ bleu: @escaping () throws -> Double?) { task.bleu = bleu }
}
