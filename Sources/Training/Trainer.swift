package import MiniGPTCheckpoints
package import MiniGPTStorage
package import MiniGPTTensors
package import MiniGPTTokenization
internal import MiniGPTTransformer

/// Trains a model: the whole loop, readable from `run` down. What it trains on is the task's.
///
/// All memory is taken by the task; `step` allocates nothing. What a run leaves depends on the configuration, the corpus
/// and the instruction set alone: not on the number of threads, nor on interruptions.
package final class ModelTrainer<Task: TrainingTask> {
  package typealias Step = TrainingStep
  package typealias Event = TrainingEvent
  package typealias Outcome = TrainingOutcome

  package let task: Task
  package let tokenizer: any Tokenizer
  package private(set) var record: TrainingRecord
  private let schedule: LearningRateSchedule
  private let optimizer: AdamW
  private let layout: ParameterLayout
  private let corpusName: String

  package var model: Task.Model { task.model }
  package var memory: Memory { task.memory }

  /// A trainer with fresh weights; `resume` and `initialize` replace them.
  init(_ task: Task, record: TrainingRecord, tokenizer: any Tokenizer, corpusName: String) {
    self.task = task
    self.record = record
    self.tokenizer = tokenizer
    self.corpusName = corpusName
    schedule = LearningRateSchedule(record.configuration)
    optimizer = AdamW(record.configuration)
    layout = task.model.layout
    Initialization.run(layout, seed: record.configuration.seed, in: task.memory)
  }

  /// Throws unless such a model can be trained so with such a vocabulary.
  static func validate(
    _ shape: Task.Model.Configuration, _ configuration: TrainingConfiguration, _ tokenizer: any Tokenizer
  ) throws {
    try shape.validate()
    try configuration.validate()
    if tokenizer.vocabularySize != shape.vocabularySize {
      throw TrainingError.vocabulary(tokenizer: tokenizer.vocabularySize, model: shape.vocabularySize)
    }
  }

  /// Goes on where a checkpoint of the same run stopped. Steps, intervals and patience may be other ones; what else
  /// differs is an error that names both values.
  package func resume(_ checkpoint: ModelCheckpoint<Task.Model>) throws {
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
  package func initialize(_ checkpoint: ModelCheckpoint<Task.Model>) throws {
    if checkpoint.configuration.vocabularySize != tokenizer.vocabularySize {
      throw TrainingError.vocabulary(
        tokenizer: tokenizer.vocabularySize, model: checkpoint.configuration.vocabularySize)
    }
    try Self.compareShape(of: checkpoint, model.configuration)
    try checkpoint.load(into: memory, moments: false)
    var hash = XXH64()
    for parameter in layout.parameters { memory.withBytes(of: parameter.slot) { hash.update($0) } }
    record.initialWeights = hash.digest()
  }

  /// Throws the first value of a shape, its vocabulary aside, that a model to begin with has not.
  package static func compareShape(
    of checkpoint: ModelCheckpoint<Task.Model>, _ given: Task.Model.Configuration
  ) throws(TrainingError) {
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
    memory.clearGradients()
    let (loss, scale) = task.learn(update: index, configuration)
    let norm = memory.squaredGradientNorm().squareRoot() * scale
    if !loss.isFinite { throw .notFinite(step: index + 1, what: "loss") }
    if !norm.isFinite { throw .notFinite(step: index + 1, what: "gradient") }
    let rate = schedule.rate(at: index)
    optimizer.update(
      layout, step: index, rate: rate,
      gradientScale: scale * GradientClipping.scale(norm: norm, limit: configuration.gradientClip), in: memory)
    record.step = index + 1
    record.lastLoss = loss
    record.lastGradientNorm = norm
    return Step(step: index + 1, loss: loss, learningRate: rate, gradientNorm: norm)
  }

  // MARK: - The loop

  /// Trains to the end, or until `shouldStop` says so, and saves to `path` as it goes on.
  ///
  /// The best checkpoint is committed before the latest, so that a run killed in between repeats the evaluation and
  /// writes the same best one again. A stop saves without an evaluation, and an evaluation that is stopped counts for
  /// nothing; the resumed run makes up for it.
  package func run(
    saveTo path: Path, bestPath: Path, shouldStop: () -> Bool, event: (Event) throws -> Void
  ) throws -> Outcome {
    let configuration = record.configuration
    if configuration.bestBy == .bleu, task.holdsOut, !task.measuresBLEU { throw TrainingError.noBLEU }
    if record.step == 0 { try save(path, event) }
    var isSaved = true
    if record.step > 0, isEvaluationDue {
      guard try evaluate(bestPath, shouldStop, event) else { return .stopped }
      isSaved = false
    }
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
      if isEvaluationDue, try !evaluate(bestPath, shouldStop, event) {
        try save(path, event)
        return .stopped
      }
      if record.step % configuration.saveEvery == 0 {
        try save(path, event)
        isSaved = true
      }
    }
    if !isSaved { try save(path, event) }
    guard try average(path, bestPath, shouldStop, event) else { return .stopped }
    return isOutOfPatience && record.step < configuration.steps ? .outOfPatience : .finished
  }

  private var isOutOfPatience: Bool {
    record.configuration.patience > 0 && record.evaluationsSinceBest >= record.configuration.patience
  }

  private var isEvaluationDue: Bool {
    let configuration = record.configuration
    return task.holdsOut && !record.isEvaluated
      && (record.step % configuration.evaluateEvery == 0 || record.step == configuration.steps)
  }

  /// What the last update was, for an evaluation that was put off by a stop.
  private var lastStep: Step {
    Step(
      step: record.step, loss: record.lastLoss, learningRate: schedule.rate(at: max(0, record.step - 1)),
      gradientNorm: record.lastGradientNorm)
  }

  /// False if it was stopped.
  private func evaluate(
    _ bestPath: Path, _ shouldStop: () -> Bool, _ event: (Event) throws -> Void
  ) throws -> Bool {
    guard let result = try task.evaluate(shouldStop: shouldStop) else { return false }
    if !result.loss.isFinite { throw TrainingError.notFinite(step: record.step, what: "validation loss") }
    let isBest = record.add(result.at(record.step))
    if isBest { try write(bestPath, record) }
    try event(.evaluated(lastStep, result, isBest: isBest))
    return true
  }

  /// Where weights are to be averaged, those of this step are committed first; the oldest go when all is on disk.
  private func save(_ path: Path, _ event: (Event) throws -> Void) throws {
    let configuration = record.configuration
    let isDue = record.step % configuration.saveEvery == 0 || record.step == configuration.steps
    if configuration.average > 1, record.step > 0, isDue {
      record.keep()
      try write(path.step(record.step), nil)
    }
    try write(path, record, moments: true)
    try removeOldest(path)
    try event(.saved(path))
  }

  /// The weights that are averaged no longer: this run's own, by the steps that it remembers.
  private func removeOldest(_ path: Path) throws {
    for step in record.kept.dropLast(record.averaged.count) where Files.exists(path.step(step)) {
      try Files.remove(path.step(step))
    }
  }

  /// Averages the weights of the last checkpoints, and keeps the mean as the best where it is: Vaswani et al. 2017, §6.1.
  ///
  /// The trainer's own weights are read again in the end. False if the evaluation was stopped: a run that is resumed
  /// averages again.
  private func average(
    _ path: Path, _ bestPath: Path, _ shouldStop: () -> Bool, _ event: (Event) throws -> Void
  ) throws -> Bool {
    try removeOldest(path)
    let steps = record.averaged
    guard record.configuration.average > 1, steps.count > 1 else { return true }
    for parameter in layout.parameters { memory.fill(parameter.slot, 0) }
    for step in steps {
      try ModelCheckpoint<Task.Model>(path.step(step)).loadWeightsAsGradients(into: memory)
      for parameter in layout.parameters { memory.add(parameter.slot, parameter.slot.at(.gradients)) }
    }
    for parameter in layout.parameters { memory.scale(parameter.slot, 1 / Float(steps.count)) }
    try write(path.average, record)
    let result = try task.evaluate(shouldStop: shouldStop)
    var isBest = false
    if let result, result.loss.isFinite {
      var averaged = record
      isBest = averaged.add(result.at(record.step))
      if isBest { try write(bestPath, averaged) }
    }
    try ModelCheckpoint<Task.Model>(path).load(into: memory, moments: false)
    if result == nil, task.holdsOut { return false }
    try event(.averaged(steps, path.average, result, isBest: isBest))
    return true
  }

  private func write(_ path: Path, _ record: TrainingRecord?, moments: Bool = false) throws {
    try ModelCheckpoint.write(
      path, model, tokenizer: TokenizerJSON.text(tokenizer), record: record, moments: moments, from: memory)
  }
}

extension Path {
  private static var ending: String { ".safetensors" }

  /// `NAME.<what>.safetensors` for `NAME.safetensors`.
  private func beside(_ what: String) -> Path {
    let base = hasSuffix(Self.ending) ? Array(bytes.dropLast(Self.ending.utf8.count)) : bytes
    return Path(bytes: base + Array(".\(what)\(Self.ending)".utf8))
  }

  /// The weights of a step, to be averaged.
  package func step(_ step: Int) -> Path { beside("step-\(step)") }

  /// The mean of the last checkpoints.
  package var average: Path { beside("average") }
}

extension EvaluationResult {
  /// What the record keeps of it.
  fileprivate func at(_ step: Int) -> TrainingRecord.Evaluation {
    TrainingRecord.Evaluation(step: step, loss: loss, bitsPerByte: bytes == 0 ? 0 : bitsPerByte, bleu: bleu)
  }
}
