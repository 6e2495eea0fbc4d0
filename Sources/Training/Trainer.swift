package import MiniGPTEvaluation
package import MiniGPTCheckpoints
package import MiniGPTDatasets
package import MiniGPTStorage
package import MiniGPTTensors
package import MiniGPTTokenization
package import MiniGPTTransformer

/// A training: updates, evaluations and checkpoints, readable from `run` down; `Learner` does one update.
///
/// What a run leaves depends on the configuration, the corpus and the instruction set alone: not on the number of threads,
/// nor on interruptions.
package final class Trainer<Model: TrainableModel, Source: BatchSource>
where Source.Batch == Model.Batch {
  package let tokenizer: any Tokenizer
  package private(set) var record: TrainingRecord
  /// Translates what was held out and measures it; asked at every evaluation, where there is one. Nil: it was stopped.
  package var bleu: (() throws -> Double?)?
  /// Says how many updates there are to be in all; asked before each, where there is one.
  package var pace: ((_ record: TrainingRecord, _ stepsBeforeFall: Int) -> Int)?
  /// Told how far an evaluation is, up to 1.
  package var evaluating: ((Double) -> Void)?
  private let learner: Learner<Model, Source>
  private let byteLengths: [Int32]
  private let corpusName: String
  private var isResumed = false
  /// Whether there is more of this run than its beginning.
  private var isBegun = false
  /// What this run is to take the place of.
  private var replaced: ReplacedRun?

  package var model: Model { learner.model }
  package var memory: Memory { learner.memory }

  /// A trainer with fresh weights; `resume` and `initialize` replace them.
  ///
  /// - Parameters:
  ///   - record: what the run is asked to do, and nothing done yet.
  ///   - memory: whether blocks are computed again in the backward pass, and bytes that may be used.
  package init(
    _ configuration: Model.Configuration, on source: Source, _ record: TrainingRecord, _ tokenizer: any Tokenizer,
    memory: MemoryLimits = MemoryLimits(), processor: Processor, corpusName: String = "the corpus"
  ) throws {
    try configuration.validate()
    try record.configuration.validate()
    if tokenizer.vocabularySize != configuration.vocabularySize {
      throw TrainingError.vocabulary(tokenizer: tokenizer.vocabularySize, model: configuration.vocabularySize)
    }
    try memory.check(
      Self.memoryNeeded(configuration, source.capacity, record.configuration, recomputes: memory.recomputes))
    learner = Learner(
      Model(configuration), on: source, record.configuration, recomputes: memory.recomputes, processor: processor)
    byteLengths = tokenizer.tokenByteLengths
    self.record = record
    self.tokenizer = tokenizer
    self.corpusName = corpusName
  }

  /// Bytes that a training takes.
  package static func memoryNeeded(
    _ shape: Model.Configuration, _ capacity: Model.Batch.Capacity, _ configuration: TrainingConfiguration,
    recomputes: Bool = false
  ) -> Int {
    Learner<Model, Source>.memoryNeeded(Model(shape), capacity, configuration, recomputes: recomputes)
  }

  /// Bytes that this training takes.
  package func memoryNeeded(recomputes: Bool) -> Int {
    Self.memoryNeeded(model.configuration, learner.capacity, record.configuration, recomputes: recomputes)
  }

  /// Goes on where a checkpoint of the same run stopped. Steps, intervals and patience may be other ones; what else
  /// differs is an error that names both values.
  package func resume(_ checkpoint: ModelCheckpoint<Model>) throws {
    guard var resumed = checkpoint.record else { throw CheckpointError.noRecord(checkpoint.path) }
    try ResumeCheck(
      checkpoint: checkpoint, given: record, shape: model.configuration, tokenizer: tokenizer,
      corpusName: corpusName
    ).run()
    try checkpoint.load(into: memory, state: learner.optimizer.state)
    resumed.goOn(with: record.configuration)
    resumed.instructionSet = record.instructionSet
    record = resumed
    (isResumed, isBegun) = (true, true)
  }

  /// Begins with the weights of another checkpoint, which has the same shape.
  package func initialize(_ checkpoint: ModelCheckpoint<Model>) throws {
    if checkpoint.configuration.vocabularySize != tokenizer.vocabularySize {
      throw TrainingError.vocabulary(
        tokenizer: tokenizer.vocabularySize, model: checkpoint.configuration.vocabularySize)
    }
    try Self.compareShape(of: checkpoint, model.configuration)
    try checkpoint.load(into: memory)
    var hash = XXH64()
    for parameter in model.layout.parameters { memory.withBytes(of: parameter.slot) { hash.update($0) } }
    record.initialWeights = hash.digest()
  }

  /// Throws the first value of a shape, its vocabulary aside, that a model to begin with has not.
  package static func compareShape(
    of checkpoint: ModelCheckpoint<Model>, _ given: Model.Configuration
  ) throws(TrainingError) {
    var given = given
    given.vocabularySize = checkpoint.configuration.vocabularySize
    if let (what, old, new) = checkpoint.configuration.firstDifference(given) {
      throw .contradicts(path: "\(checkpoint.path)", what: what, model: old, given: new)
    }
  }

  /// One update; nil where `shouldStop` said so before it was done.
  @discardableResult
  package func step(shouldStop: () -> Bool = { false }) throws(TrainingError) -> TrainingStep? {
    guard let step = try learner.step(record.step, shouldStop: shouldStop) else { return nil }
    record.step = step.step
    record.lastLoss = step.loss
    record.lastGradientNorm = step.gradientNorm
    return step
  }

  /// How well the weights predict what was held out; nil where nothing is, or where `shouldStop` said so.
  package func evaluate(shouldStop: () -> Bool = { false }) throws -> EvaluationResult? {
    guard let heldOut = learner.heldOut else { return nil }
    let loss = HeldOutLoss.run(
      model, learner.workspace, on: heldOut, byteLengths: byteLengths, seen: { _ in }
    ) { done in
      evaluating?(done)
      return !shouldStop()
    }
    guard var result = loss else { return nil }
    if let bleu {
      guard let score = try bleu() else { return nil }
      result.bleu = score
    }
    return result
  }

  // MARK: - The loop

  /// Trains to the end, or until `shouldStop` says so, and saves to `path` as it goes on.
  ///
  /// The best checkpoint is committed before the latest, so that a run killed in between repeats the evaluation and
  /// writes the same best one again. A stop saves without an evaluation, and an evaluation that is stopped counts for
  /// nothing; the resumed run makes up for it. What another run left under these names is whole until this one has
  /// learned something that takes its place; where nothing was, a run that comes to nothing leaves nothing.
  package func run(
    saveTo path: Path, bestPath: Path, shouldStop: () -> Bool, event: (TrainingEvent) throws -> Void
  ) throws -> TrainingOutcome {
    if record.configuration.bestBy == .bleu, learner.heldOut != nil, bleu == nil { throw TrainingError.noBLEU }
    let files = RunFiles(path)
    replaced = isResumed ? nil : ReplacedRun(files, best: bestPath)
    let isAlone = replaced == nil
    defer { replaced?.stay() }
    do {
      return try train(path, bestPath, shouldStop, event)
    } catch TrainingError.notFinite(let step, let what, _) where !isBegun {
      // The same command with another rate is not to find in its way what is worth nothing.
      if isAlone { for file in [path, bestPath] { try Files.remove(file) } }
      throw TrainingError.notFinite(step: step, what: what, leaving: isAlone ? .nothing : .former)
    }
  }

  private func train(
    _ path: Path, _ bestPath: Path, _ shouldStop: () -> Bool, _ event: (TrainingEvent) throws -> Void
  ) throws -> TrainingOutcome {
    if record.step == 0 && replaced == nil { try save(path, event) }
    // A best one that this run knows nothing of: it was killed on the way, and will find it again.
    if record.best == nil && replaced == nil { try Files.remove(bestPath) }
    try removeLeftovers(RunFiles(path))
    var isSaved = true
    func stop() throws -> TrainingOutcome {
      if replaced != nil && record.step == 0 { return .leftAlone }
      if !isSaved { try save(path, event) }
      return .stopped
    }
    // What another model knows is measured before it changes.
    if record.step > 0 || record.initialWeights != nil, isEvaluationDue {
      guard try evaluate(path, bestPath, shouldStop, event) else { return try stop() }
      isSaved = false
    }
    while record.step < record.configuration.steps {
      if isOutOfPatience { break }
      adaptSteps()
      if shouldStop() { return try stop() }
      guard let step = try step(shouldStop: shouldStop) else { return try stop() }
      isSaved = false
      try event(.stepped(step))
      if shouldStop() {
        try save(path, event)
        return .stopped
      }
      if isEvaluationDue, try !evaluate(path, bestPath, shouldStop, event) {
        try save(path, event)
        return .stopped
      }
      if record.step % record.configuration.saveEvery == 0 {
        try save(path, event)
        isSaved = true
      }
    }
    if !isSaved { try save(path, event) }
    guard try average(path, bestPath, shouldStop, event) else { return .stopped }
    return isOutOfPatience && record.step < record.configuration.steps ? .outOfPatience : .finished
  }

  /// A run that watches the clock does more or fewer updates than it was meant to. Before the rate falls it is then the
  /// same run as one that was meant to do as many.
  private func adaptSteps() {
    guard let pace else { return }
    let before = learner.schedule.stepsBeforeFall, steps = max(record.step + 1, pace(record, before))
    if steps == record.configuration.steps { return }
    learner.changeSteps(to: steps)
    record.changeSteps(to: steps, isRateFalling: record.step > min(before, learner.schedule.stepsBeforeFall))
  }

  /// What a killed run of this name left: saves that were not finished, and weights that it no longer averages.
  private func removeLeftovers(_ files: RunFiles) throws {
    try files.removeUnfinished()
    if record.step == 0 { return }
    for (step, path) in try files.steps() where isSaveDue(step) && !record.averaged.contains(step) {
      try Files.remove(path)
    }
  }

  private func isSaveDue(_ step: Int) -> Bool {
    step % record.configuration.saveEvery == 0 || step == record.configuration.steps
  }

  private var isOutOfPatience: Bool {
    record.configuration.patience > 0 && record.evaluationsSinceBest >= record.configuration.patience
  }

  /// Whether an evaluation of this step is still to be done: a stop leaves it to the run that goes on.
  private var isEvaluationDue: Bool {
    let configuration = record.configuration
    return learner.heldOut != nil && !record.isEvaluated
      && (record.step % configuration.evaluateEvery == 0 || record.step == configuration.steps)
  }

  /// What the last update was, for an evaluation that was put off by a stop.
  private var lastStep: TrainingStep {
    TrainingStep(
      step: record.step, loss: record.step == 0 ? .nan : record.lastLoss,
      learningRate: learner.rate(at: max(0, record.step - 1)),
      gradientNorm: record.step == 0 ? .nan : record.lastGradientNorm)
  }

  /// Returns whether there is a new evaluation: none where it was stopped.
  private func evaluate(
    _ path: Path, _ bestPath: Path, _ shouldStop: () -> Bool, _ event: (TrainingEvent) throws -> Void
  ) throws -> Bool {
    guard let result = try evaluate(shouldStop: shouldStop) else { return false }
    if !result.loss.isFinite { throw TrainingError.notFinite(step: record.step, what: "validation loss") }
    try takePlace(path)
    let isBest = record.add(result.at(record.step))
    if isBest { try write(replaced?.nameForBest() ?? bestPath, record) }
    try event(.evaluated(lastStep, result, isBest: isBest))
    return true
  }

  /// Where weights are to be averaged, those of this step are committed first; the oldest go when all is on disk, and if
  /// the run is killed before, when it goes on.
  private func save(_ path: Path, _ event: (TrainingEvent) throws -> Void) throws {
    let configuration = record.configuration
    try takePlace(path)
    if configuration.average > 1, record.step > 0, isSaveDue(record.step) {
      record.keep()
      try write(RunFiles(path).step(record.step), nil)
    }
    try write(path, record, state: learner.optimizer.state)
    for step in record.kept.dropLast(record.averaged.count) { try Files.remove(RunFiles(path).step(step)) }
    try event(.saved(path))
  }

  /// From the first step on, this run takes the place of another: its checkpoint first, so that no best one stands
  /// beside a checkpoint that is not of its run.
  private func takePlace(_ path: Path) throws {
    if record.step == 0 { return }
    isBegun = true
    guard let other = replaced else { return }
    try other.giveWay { try write($0, record, state: learner.optimizer.state) }
    replaced = nil
  }

  /// Averages the weights of the last checkpoints, and keeps the mean as the best where it is: Vaswani et al. 2017, §6.1.
  ///
  /// The trainer's own weights are read again in the end. False if the evaluation was stopped: a run that is resumed
  /// averages again.
  private func average(
    _ path: Path, _ bestPath: Path, _ shouldStop: () -> Bool, _ event: (TrainingEvent) throws -> Void
  ) throws -> Bool {
    let steps = record.averaged
    guard record.configuration.average > 1, steps.count > 1 else { return true }
    for parameter in model.layout.parameters { memory.fill(parameter.slot, 0) }
    for step in steps {
      try ModelCheckpoint<Model>(RunFiles(path).step(step)).loadWeightsAsGradients(into: memory)
      for parameter in model.layout.parameters { memory.add(parameter.slot, parameter.slot.at(.gradients)) }
    }
    for parameter in model.layout.parameters { memory.scale(parameter.slot, 1 / Float(steps.count)) }
    try write(RunFiles(path).average, record)
    let result = try evaluate(shouldStop: shouldStop)
    var isBest = false
    if let result, result.loss.isFinite {
      var averaged = record
      isBest = averaged.add(result.at(record.step))
      if isBest { try write(bestPath, averaged) }
    }
    try ModelCheckpoint<Model>(path).load(into: memory)
    if result == nil && learner.heldOut != nil { return false }
    try event(.averaged(steps, RunFiles(path).average, result, isBest: isBest))
    return true
  }

  private func write(_ path: Path, _ record: TrainingRecord?, state: [OptimizerTensor] = []) throws {
    try ModelCheckpoint.write(
      path, model, tokenizer: TokenizerJSON.text(tokenizer), record: record, state: state, from: memory)
  }
}

extension EvaluationResult {
  /// What the record keeps of it.
  fileprivate func at(_ step: Int) -> TrainingRecord.Evaluation {
    TrainingRecord.Evaluation(step: step, loss: loss, bitsPerByte: bytes == 0 ? 0 : bitsPerByte, bleu: bleu)
  }
}
