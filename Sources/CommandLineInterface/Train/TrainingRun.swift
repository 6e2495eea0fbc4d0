internal import MiniGPT
internal import MiniGPTPlatform

/// What a run on texts and a run on pairs do each in their own way.
protocol RunMaterial: AnyObject {
  associatedtype Material: LearnableMaterial where Material.Shape: FlaggedShape
  typealias Prepared = MaterialSetup<Material>.Prepared
  typealias Trainer = MiniGPT.Trainer<Material.Model, Material.Source>

  /// Opens the files that the command names.
  init(_ command: TrainCommand, _ console: Console) throws
  var material: Material { get }
  var validation: Material? { get }
  /// The one that the files bring along, where they hold ids.
  var givenTokenizer: (any Tokenizer)? { get }
  /// Throws where the tokenizer of a model is another one.
  func check(_ tokenizer: any Tokenizer) throws
  /// The first file, which a checkpoint is named after.
  static func name(_ command: TrainCommand) -> Path

  /// A model to begin with.
  func open(_ initial: ModelChoice) throws -> ModelCheckpoint<Material.Model>
  /// Gives the recipe's value to every flag that has none; for as many operations, where a time is given.
  func takeRecipe(_ command: inout TrainCommand, operations: Double?, tokenizer: (any Tokenizer)?)
  func shape(_ command: TrainCommand) -> Material.Shape

  /// Called once all is prepared.
  func begin(_ setup: MaterialSetup<Material>, _ prepared: Prepared, _ machine: Machine)
  /// What is said before the first step: rows of a table, and the tokens of a step.
  func introduction(_ prepared: Prepared, _ machine: Machine) -> [(name: String, value: String)]
  var tokensPerStep: Int { get }
  /// Of an evaluation.
  var heldOutTokens: Int { get }
  /// What counting reaches, beside the model's evaluations.
  var ladder: CountingLadder? { get }
  /// One line of what the model says now.
  func say(step: Int, seed: UInt64) throws
  /// The last words, about the model in a file.
  func conclude(_ model: Path, _ record: TrainingRecord) throws
}

/// One run of `minigpt train`, from the files to the last word.
final class TrainingRun<Run: RunMaterial> {
  private var command: TrainCommand
  private let console: Console
  private let files: TrainingFiles
  private let run: Run
  /// Whether nothing is left of another run.
  private var hasTakenPlace = false
  /// What computes, once that is known.
  private var machine: Machine?
  /// The clock, where the run has one.
  private var budget: Budget?

  private typealias Checkpoint = ModelCheckpoint<Run.Material.Model>

  init(_ command: TrainCommand, _ console: Console) throws {
    self.command = command
    self.console = console
    run = try Run(command, console)
    files = TrainingFiles(out: command.out, log: command.log, corpus: Run.name(command))
  }

  func start() throws {
    // Before the first step there is nothing to save.
    Interruption.endAtOnce(true)
    let outputs = Outputs(reading: console.inputs + command.inputs)
    let keepsIds = command.keepsIds(run.material.corpusFiles)
    try files.claim(outputs, overwrite: command.overwrite, resume: command.resume, keepsIds: keepsIds)
    console.outputs = outputs
    if command.resume, !Files.exists(files.checkpoint) {
      throw ResumeProblem.noCheckpoint(files.checkpoint, best: Files.exists(files.best) ? files.best : nil)
    }
    let checkpoint = command.resume ? try Checkpoint(files.checkpoint) : nil
    let initial = try command.initial.map { try run.open(ModelChoice($0)) }
    let tokenizer = try completeCommand(checkpoint, initial)
    let machine = try machine ?? command.settle(console)
    var setup = MaterialSetup(
      run.material, tokenizer: tokenizer, shape: run.shape(command), configuration: command.configuration(),
      threads: machine.pool.threads, instructionSet: machine.instructionSet)
    setup.validation = run.validation
    setup.epochs = command.epochs
    setup.recomputes = command.recompute
    setup.shortensWarmup = command.shortensWarmup
    setup.tokenFile = keepsIds ? files.tokens : nil
    setup.availableMemory = ProcessMemory.available
    let prepared = try prepare(setup, from: initial)
    if let checkpoint { try resuming { try prepared.trainer.resume(checkpoint) } }
    try checkSteps(prepared.trainer.record)
    let settled = prepared.trainer.record.configuration
    command.precision = PrecisionChoice(settled.precision)
    command[\.warmup] = settled.warmup
    run.begin(setup, prepared, machine)
    try introduce(prepared, machine, resumed: checkpoint)
    Interruption.endAtOnce(false)
    try train(prepared.trainer)
  }

  /// Gives every flag a value; returns how the corpus becomes tokens.
  private func completeCommand(_ checkpoint: Checkpoint?, _ initial: Checkpoint?) throws -> TokenizerChoice {
    if let checkpoint {
      guard let record = checkpoint.record else { throw CheckpointError.noRecord(files.checkpoint) }
      let tokenizer = try resuming {
        try command.ownTokenizer(of: checkpoint) {
          .differs(path: "\(checkpoint.path)", what: $0, checkpoint: $1, given: $2)
        }
      }
      try run.check(checkpoint.tokenizer())
      command.complete(from: checkpoint.configuration, record)
      return tokenizer
    }
    let operations = try measureBudget()
    guard let initial else {
      let given = try run.givenTokenizer ?? command.namedTokenizer()
      run.takeRecipe(&command, operations: operations, tokenizer: given)
      return given.map { .given($0) } ?? command.freshTokenizer()
    }
    let tokenizer = try command.ownTokenizer(of: initial) {
      .contradicts(path: "\(initial.path)", what: $0, model: $1, given: $2)
    }
    try run.check(initial.tokenizer())
    command.takeShape(initial.configuration)
    run.takeRecipe(&command, operations: operations, tokenizer: nil)
    return tokenizer
  }

  /// How many operations there is time for; nil where there is no budget.
  private func measureBudget() throws -> Double? {
    guard let seconds = command.budget else { return nil }
    let machine = try command.settle(console)
    self.machine = machine
    console.progress(["measuring"])
    defer { console.endProgress() }
    let speed = try Recipe.measuredSpeed(machine, command.precision == .bf16 ? .bf16 : .fp32)
    let left = 0.95 * (seconds - MonotonicTime.sinceProcessStart)
    if left <= 0 {
      throw BudgetIsOver(seconds: seconds)
    }
    return speed * left
  }

  /// Where something differs there is still a way on.
  private func resuming<Result>(_ body: () throws -> Result) throws -> Result {
    do { return try body() } catch let error as TrainingError {
      guard case .differs = error else { throw error }
      throw ResumeProblem.differs(error, files.checkpoint)
    }
  }

  /// A run that is resumed may have more steps to do, or none; fewer than it has done make no sense.
  private func checkSteps(_ record: TrainingRecord) throws {
    let wanted = record.configuration.steps
    if record.step > wanted { throw ResumeProblem.tooFewSteps(files.checkpoint, done: record.step, wanted: wanted) }
    if record.step == wanted, record.step > 0 {
      console.note("all \(grouped(wanted)) steps are done; --steps N goes further")
    }
  }

  private func prepare(_ setup: MaterialSetup<Run.Material>, from initial: Checkpoint?) throws -> Run.Prepared {
    defer { console.endProgress() }
    var report = TokenizerReport(console)
    return try setup.prepare(from: initial) { progress in
      switch progress {
      case .trainingTokenizer(let progress): report.say(progress)
      case .encoding(let done, let all): console.progress(["encoding", percent(done, all)])
      }
    }
  }

  private func introduce(_ prepared: Run.Prepared, _ machine: Machine, resumed: Checkpoint?) throws {
    let record = prepared.trainer.record
    var rows = run.introduction(prepared, machine) + [("seed", "\(record.configuration.seed)")]
    if let initial = command.initial, let place = rows.firstIndex(where: { $0.name == "model" }) {
      rows.insert(("begins", "with the weights of \(printable(initial))"), at: place + 1)
    }
    for row in table(rows) { console.note(row) }
    if record.step > 0 { console.note("resumed at step \(grouped(record.step))") }
    // With a budget the command is known in the end.
    if command.budget == nil { try sayAgain(resumed, record) }
  }

  private var namesTokenizer: Bool { if case .file = command.tokenizer { true } else { false } }

  private func sayAgain(_ resumed: Checkpoint?, _ record: TrainingRecord) throws {
    if command.budget != nil { command[\.steps] = record.configuration.steps }
    var others: Set = ["resume", "overwrite", "quiet", "threads", "preset", "arch", "budget", "keep-ids"]
    // Ids bring their tokenizer along.
    if run.givenTokenizer != nil, !namesTokenizer { others.formUnion(["tokenizer", "vocab-size", "split"]) }
    let line = canonicalCommand(
      try command.repeating(goneOnFrom: resumed), words: command.corpora, leavingOut: others)
    let why = record.whyNotRepeated(from: command.initial)
    console.note("again: " + (why.map { "no single command, as " + $0 } ?? printable(line)))
  }

  /// Has the trainer look at the clock before each step.
  private func watch(_ seconds: Double, _ trainer: Run.Trainer) {
    let steps = Double(max(1, trainer.record.configuration.steps)), now = MonotonicTime.sinceProcessStart
    // Before anything was timed: what was measured gave the steps, and an evaluation is a third of as many tokens.
    budget = Budget(
      seconds: seconds, secondsPerStep: max(1e-6, 0.95 * (seconds - now) / steps),
      evaluation: Double(run.heldOutTokens) / Double(3 * max(1, run.tokensPerStep)), now: now)
    trainer.pace = { [unowned self] record, before in
      budget?.steps(record, stepsBeforeFall: before, now: MonotonicTime.sinceProcessStart) ?? record.configuration.steps
    }
  }

  private func train(_ trainer: Run.Trainer) throws {
    var report = TrainingReport(
      console, firstStep: trainer.record.step, tokensPerStep: run.tokensPerStep)
    let console = console
    trainer.evaluating = { done in
      if done < 1 { console.progress(["validating", percent(Int(done * 1e6), 1_000_000)]) }
    }
    if let seconds = command.budget { watch(seconds, trainer) }
    let log = try TrainingLog(
      files.log, goingOnAt: command.resume ? trainer.record.step : nil, every: command.logEvery ?? 10)
    let outcome: TrainingOutcome
    do {
      outcome = try trainer.run(
        saveTo: files.checkpoint, bestPath: files.best, shouldStop: { Interruption.isRequested }
      ) { try hear($0, trainer, log, &report) }
    } catch TrainingError.notFinite(let step, let what, .nothing) {
      log.withdraw()
      throw TrainingError.notFinite(step: step, what: what, leaving: .nothing)
    }
    console.endProgress()
    if command.budget != nil { try sayAgain(nil, trainer.record) }
    try run.conclude(files.conclude(trainer.record, outcome, console), trainer.record)
  }

  /// What happens in a training, as it is said and logged.
  private func hear(
    _ event: TrainingEvent, _ trainer: Run.Trainer, _ log: TrainingLog, _ report: inout TrainingReport
  ) throws {
    // From the first step on, the models of another run were replaced when something is saved.
    switch event {
    case .evaluated, .saved:
      if trainer.record.step > 0, !hasTakenPlace {
        hasTakenPlace = true
        try log.takePlace()
        if command.overwrite { try files.removeSteps(but: trainer.record.kept) }
      }
    case .stepped, .averaged: break
    }
    let now = MonotonicTime.sinceProcessStart
    switch event {
    case .stepped(let step):
      budget?.stepped(now: now)
      report.stepped(step, of: trainer.record.configuration.steps)
      if log.isDue(step.step) { try log.write(step, tokensPerSecond: report.speed, evaluation: nil) }
    case .evaluated(let step, let result, let isBest):
      try log.write(step, tokensPerSecond: report.speed, evaluation: result, ladder: run.ladder)
      report.evaluated(step, result, isBest: isBest, ladder: run.ladder)
      if !command.quiet { try run.say(step: step.step, seed: trainer.record.configuration.seed) }
      report.restart()
      budget?.evaluated(now: MonotonicTime.sinceProcessStart)
    case .saved: budget?.restart(now: now)
    case .averaged(let steps, let path, let result, let isBest):
      report.averaged(steps, path, result, isBest: isBest)
    }
  }
}

extension TrainingEstimate {
  /// "40 of 128 tokens", and behind a resumption "20 more, to 40, of 128 tokens".
  static func steps(_ wanted: Int, done: Int, _ each: String) -> String {
    done == 0 ? "\(grouped(wanted)) \(each)" : "\(grouped(wanted - done)) more, to \(grouped(wanted)), \(each)"
  }

  /// The rows of an introduction that all runs have.
  static func rows<Model, Source>(
    _ trainer: Trainer<Model, Source>, steps: String, memory: Int, seconds: Double, _ machine: Machine
  ) -> [(name: String, value: String)] {
    [
      ("memory", size(memory)), ("steps", steps),
      (
        "time",
        "roughly \(duration(seconds)) on \(machine.pool.threads) thread\(machine.pool.threads == 1 ? "" : "s")"
      ),
    ]
  }
}
