package import Checkpoints
package import Datasets
package import Parallel
internal import Platform
package import Storage
package import Tensors
package import Tokenization
package import Transformer

/// Trains a GPT: the whole loop, readable from `run` down.
///
/// All memory is taken in `init`; `step` allocates nothing. What a run leaves depends on the configuration, the corpus
/// and the instruction set alone: not on the number of threads, nor on interruptions.
package final class Trainer {
  package let model: GPT
  package let memory: Memory
  package let tokenizer: any Tokenizer
  package private(set) var record: TrainingRecord
  private let training: TokenSequence
  private let validation: TokenSequence?
  private let activations: GPT.Activations
  private let schedule: LearningRateSchedule
  private let optimizer: AdamW
  private let byteLengths: [Int32]
  private let corpusName: String

  /// What an update did.
  package struct Step: Sendable {
    /// Updates done, this one included.
    package let step: Int
    /// Mean cross-entropy of its tokens before it, in nats.
    package let loss: Double
    package let learningRate: Double
    /// The length of the gradient before clipping.
    package let gradientNorm: Double
  }

  /// A trainer with fresh weights; `resume` and `initialize` replace them.
  ///
  /// `validation` may be nil or empty where nothing is held out.
  package init(
    _ shape: GPTConfiguration, record: TrainingRecord, tokenizer: any Tokenizer, training: TokenSequence,
    validation: TokenSequence?, pool: WorkerPool, kernels: Kernels, availableMemory: Int? = nil,
    corpusName: String = "the corpus"
  ) throws {
    let configuration = record.configuration
    try shape.validate()
    try configuration.validate()
    if tokenizer.vocabularySize != shape.vocabularySize {
      throw TrainingError.vocabulary(tokenizer: tokenizer.vocabularySize, model: shape.vocabularySize)
    }
    if training.count <= shape.context {
      throw DatasetError.tooShort(what: corpusName, tokens: training.count, context: shape.context)
    }
    try Trainer.checkMemory(shape, configuration, available: availableMemory)
    self.model = GPT(shape)
    self.record = record
    self.corpusName = corpusName
    self.tokenizer = tokenizer
    self.training = training
    self.validation = validation.flatMap { $0.count >= 2 ? $0 : nil }
    activations = GPT.Activations(
      shape, batch: configuration.batchSize, length: shape.context, trains: true,
      logitRows: LanguageModelLoss.rows(vocabulary: shape.vocabularySize))
    memory = Memory(
      parameters: ParameterStorage(count: model.layout.count), trains: true, activations: activations.count,
      indices: activations.indexCount, scratch: model.scratch(length: shape.context), pool: pool, kernels: kernels)
    schedule = LearningRateSchedule(configuration)
    optimizer = AdamW(configuration)
    byteLengths = tokenizer.tokenByteLengths
    model.prepare(activations, in: memory)
    Initialization.run(model.layout, seed: configuration.seed, in: memory)
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

  /// Refuses a training that this machine cannot hold.
  static func checkMemory(
    _ shape: GPTConfiguration, _ configuration: TrainingConfiguration, available: Int?
  ) throws(TrainingError) {
    guard let available else { return }
    let needed = memoryNeeded(shape, configuration)
    if needed > available { throw .tooLarge(needed: needed, available: available) }
  }

  /// Goes on where a checkpoint of the same run stopped. Steps, intervals and patience may be other ones; what else
  /// differs is an error that names both values.
  package func resume(_ checkpoint: Checkpoint) throws {
    guard var resumed = checkpoint.record else { throw CheckpointError.noRecord(checkpoint.path) }
    try ResumeCheck(
      checkpoint: checkpoint, given: record, shape: model.configuration, tokenizer: tokenizer,
      corpusName: corpusName
    ).run()
    try checkpoint.load(into: memory, moments: true)
    resumed.configuration = record.configuration
    resumed.instructionSet = record.instructionSet
    record = resumed
  }

  /// Begins with the weights of another checkpoint, which has the same shape.
  package func initialize(_ checkpoint: Checkpoint) throws {
    if checkpoint.configuration.vocabularySize != tokenizer.vocabularySize {
      throw TrainingError.vocabulary(
        tokenizer: tokenizer.vocabularySize, model: checkpoint.configuration.vocabularySize)
    }
    try Trainer.compareShape(of: checkpoint, model.configuration)
    try checkpoint.load(into: memory, moments: false)
    var hash = XXH64()
    for parameter in model.layout.parameters { memory.withBytes(of: parameter.slot) { hash.update($0) } }
    record.initialWeights = hash.digest()
  }

  /// Throws the first value of a shape, its vocabulary aside, that a model to begin with has not.
  package static func compareShape(of checkpoint: Checkpoint, _ given: GPTConfiguration) throws(TrainingError) {
    var given = given
    given.vocabularySize = checkpoint.configuration.vocabularySize
    try ShapeComparison(checkpoint.configuration, given).run { what, old, new in
      .contradicts(path: "\(checkpoint.path)", what: what, model: old, given: new)
    }
  }

  // MARK: - One update

  /// One update: forward and backward over every batch of it, clipping, AdamW.
  package func step() throws(TrainingError) -> Step {
    let configuration = record.configuration, index = record.step
    let positions = activations.ids.count * configuration.gradientAccumulation
    memory.clearGradients()
    var total = 0.0
    for batch in 0..<configuration.gradientAccumulation {
      let firstSample = batch * configuration.batchSize
      LanguageModelWindows.fill(
        activations.ids, activations.targets, from: training, context: model.configuration.context,
        seed: configuration.seed, step: index, firstSample: firstSample, in: memory)
      let dropout = DropoutContext(
        seed: configuration.seed, step: index, firstSample: firstSample, rate: Float(configuration.dropout))
      model.forward(activations, dropout, in: memory)
      LanguageModelLoss.forwardAndBackward(model, activations, scale: 1 / Float(positions), in: memory)
      model.backward(activations, dropout, in: memory)
      total += memory.sum(activations.losses)
    }
    let loss = total / Double(positions), norm = memory.squaredGradientNorm().squareRoot()
    if !loss.isFinite { throw .notFinite(step: index + 1, what: "loss") }
    if !norm.isFinite { throw .notFinite(step: index + 1, what: "gradient") }
    let rate = schedule.rate(at: index)
    optimizer.update(
      model.layout, step: index, rate: rate,
      gradientScale: GradientClipping.scale(norm: norm, limit: configuration.gradientClip), in: memory)
    record.step = index + 1
    record.lastLoss = loss
    record.lastGradientNorm = norm
    return Step(step: index + 1, loss: loss, learningRate: rate, gradientNorm: norm)
  }

  // MARK: - The loop

  /// What happens in a run, in order.
  package enum Event {
    case stepped(Step)
    /// An evaluation, and whether it is the best so far.
    case evaluated(Step, EvaluationResult, isBest: Bool)
    case saved(Path)
  }

  package enum Outcome: Equatable, Sendable {
    case finished
    /// `patience` evaluations without a new best.
    case outOfPatience
    /// Asked to stop; the checkpoint is written.
    case stopped
  }

  /// Trains to the end, or until `shouldStop` says so, and saves to `path` as it goes on.
  ///
  /// The best checkpoint is committed before the latest, so that a run killed in between repeats the evaluation and
  /// writes the same best one again. A stop saves without an evaluation; the resumed run makes up for it.
  package func run(
    saveTo path: Path, bestPath: Path, shouldStop: () -> Bool, event: (Event) throws -> Void
  ) throws -> Outcome {
    let configuration = record.configuration
    if record.step == 0 { try save(path, event) }
    var isSaved = true
    if record.step > 0, isEvaluationDue { isSaved = try !evaluate(bestPath, event) }
    while record.step < configuration.steps {
      if isOutOfPatience { break }
      if shouldStop() {
        if !isSaved { try save(path, event) }
        return .stopped
      }
      let step = try step()
      isSaved = false
      try event(.stepped(step))
      if shouldStop() {
        try save(path, event)
        return .stopped
      }
      if isEvaluationDue { _ = try evaluate(bestPath, event) }
      if record.step % configuration.saveEvery == 0 {
        try save(path, event)
        isSaved = true
      }
    }
    if !isSaved { try save(path, event) }
    return isOutOfPatience && record.step < configuration.steps ? .outOfPatience : .finished
  }

  private var isOutOfPatience: Bool {
    record.configuration.patience > 0 && record.evaluationsSinceBest >= record.configuration.patience
  }

  private var isEvaluationDue: Bool {
    let configuration = record.configuration
    return validation != nil && !record.isEvaluated
      && (record.step % configuration.evaluateEvery == 0 || record.step == configuration.steps)
  }

  /// What the last update was, for an evaluation that was put off by a stop.
  private var lastStep: Step {
    Step(
      step: record.step, loss: record.lastLoss, learningRate: schedule.rate(at: max(0, record.step - 1)),
      gradientNorm: record.lastGradientNorm)
  }

  private func evaluate(_ bestPath: Path, _ event: (Event) throws -> Void) throws -> Bool {
    guard let validation else { return false }
    guard
      let result = Evaluation.run(
        model, activations, tokens: validation, byteLengths: byteLengths, in: memory)
    else { return false }
    if !result.loss.isFinite { throw TrainingError.notFinite(step: record.step, what: "validation loss") }
    let isBest = record.add(
      TrainingRecord.Evaluation(
        step: record.step, loss: result.loss, bitsPerByte: result.bytes == 0 ? 0 : result.bitsPerByte))
    if isBest { try write(bestPath, moments: false) }
    try event(.evaluated(lastStep, result, isBest: isBest))
    return true
  }

  private func save(_ path: Path, _ event: (Event) throws -> Void) throws {
    try write(path, moments: true)
    try event(.saved(path))
  }

  private func write(_ path: Path, moments: Bool) throws {
    try Checkpoint.write(
      path, model, tokenizer: TokenizerJSON.text(tokenizer), record: record, moments: moments, from: memory)
  }
}
