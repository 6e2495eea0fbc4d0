internal import MiniGPT
internal import MiniGPTPlatform

/// One run of `minigpt train`, from the files to the last word.
final class TrainingRun {
  private var command: TrainCommand
  private let console: Console
  private let files: TrainingFiles
  private let corpus: TextCorpus

  init(_ command: TrainCommand, _ console: Console) throws {
    self.command = command
    self.console = console
    let paths = command.corpora.map { Path(bytes: $0) }
    corpus = try TextCorpus(paths)
    if let file = corpus.files.first, SentencePairs.looksLikePairs(file) {
      console.note(
        "\(file.path) looks like sentence pairs: minigpt train --pairs \(file.path) learns to translate them")
    }
    files = TrainingFiles(out: command.out, log: command.log, corpus: paths[0])
  }

  func run() throws {
    try files.prepare(isDefault: command.out == nil, overwrite: command.overwrite, resume: command.resume)
    let checkpoint = command.resume ? try Checkpoint(files.checkpoint) : nil
    let initial = try command.initial.map { try ModelChoice($0).open() }
    let tokenizer: TokenizerChoice
    if let checkpoint {
      guard let record = checkpoint.record else { throw CheckpointError.noRecord(files.checkpoint) }
      tokenizer = try command.ownTokenizer(of: checkpoint) {
        .differs(path: "\(checkpoint.path)", what: $0, checkpoint: $1, given: $2)
      }
      command.complete(from: checkpoint, record)
    } else if let initial {
      tokenizer = try command.ownTokenizer(of: initial) {
        .contradicts(path: "\(initial.path)", what: $0, model: $1, given: $2)
      }
      command.takeShape(initial.configuration, layers: initial.configuration.layers)
      command.complete(forCorpusOf: corpus.byteCount)
    } else {
      command.complete(forCorpusOf: corpus.byteCount)
      tokenizer = try command.freshTokenizer()
    }
    let (seed, machine) = try command.settle(console)
    var setup = TrainingSetup(
      corpus: corpus, tokenizer: tokenizer, shape: command.shape(), configuration: command.configuration(seed: seed),
      threads: machine.pool.threads, instructionSet: machine.instructionSet)
    setup.validation = try command.validation.map { try TextCorpus([Path(bytes: $0)]) }
    setup.initial = initial
    setup.epochs = command.epochs
    setup.recomputes = command.recompute
    setup.shortensWarmup = command.shortensWarmup
    setup.availableMemory = ProcessMemory.physical
    var report = TokenizerReport(console)
    let prepared = try setup.prepare { progress in
      switch progress {
      case .trainingTokenizer(let progress): report.say(progress)
      case .encoding(let bytes): console.progress(["encoding", percent(bytes, corpus.byteCount)])
      }
    }
    console.endProgress()
    if let checkpoint { try prepared.trainer.resume(checkpoint) }
    command.precision = PrecisionChoice(rawValue: prepared.trainer.record.configuration.precision.rawValue)
    command.warmup = prepared.trainer.record.configuration.warmup
    let ladder = setup.countingLadder(prepared) { done in
      console.progress(["counting n-grams", percent(done, corpus.byteCount)])
      return !Interruption.isRequested
    }
    console.endProgress()
    try introduce(prepared, machine, resumed: checkpoint, rungs(ladder, prepared, setup))
    try train(prepared.trainer, machine, ladder)
  }

  /// How far counting gets, which the model must beat.
  private func rungs(_ ladder: CountingLadder?, _ prepared: TrainingSetup.Prepared, _ setup: TrainingSetup) -> String? {
    if let best = ladder?.best { return "\(fixed(best.bitsPerByte, 4)) bits per byte at best (order \(best.order))" }
    if prepared.validationTokens < 2 || setup.isCountable { return nil }
    return "not counted: the corpus is larger than \(size(CountingLadder.mostBytes))"
  }

  // MARK: - Before it starts

  private func introduce(
    _ prepared: TrainingSetup.Prepared, _ machine: Machine, resumed: Checkpoint?, _ rungs: String?
  ) throws {
    let trainer = prepared.trainer, c = trainer.record.configuration, shape = trainer.model.configuration
    let held =
      prepared.validationTokens == 0 ? "none held out" : "\(grouped(prepared.validationTokens)) held out"
    let steps = c.steps - trainer.record.step
    let perStep = c.batchSize * c.gradientAccumulation * shape.context
    let time = TrainingEstimate.seconds(
      shape, tokens: steps * perStep, machine.kernels, c.precision, threads: machine.pool.threads)
    var rows = [
      ("corpus", "\(grouped(corpus.byteCount)) bytes"),
      ("tokens", "\(grouped(prepared.trainingTokens)) to learn from, \(held)"),
      ("vocabulary", "\(grouped(shape.vocabularySize)) tokens (\(trainer.tokenizer.kind.rawValue))"),
      ("model", "\(grouped(shape.parameterCount)) parameters"),
      ("precision", c.precision.rawValue),
      ("memory", size(Trainer.memoryNeeded(shape, c, recomputes: command.recompute))),
      ("steps", "\(grouped(steps)) of \(grouped(perStep)) tokens"),
      ("time", "roughly \(duration(time)) on \(machine.pool.threads) thread\(machine.pool.threads == 1 ? "" : "s")"),
      ("seed", "\(c.seed)"),
    ]
    if let initial = command.initial { rows.insert(("begins", "with the weights of \(printable(initial))"), at: 4) }
    if let rungs { rows.insert(("n-grams", rungs), at: 3) }
    for row in table(rows) { console.note(row) }
    if trainer.record.step > 0 { console.note("resumed at step \(grouped(trainer.record.step))") }
    var again = command
    if command.initial != nil { again.forgetModel() }
    if let resumed { try again.recallModel(of: resumed) }
    if !again.isBPE { again.vocabularySize = nil }
    let line = canonicalCommand(
      again, words: command.corpora, leavingOut: ["resume", "overwrite", "quiet", "threads", "preset"])
    console.note("again: " + printable(line))
  }

  // MARK: - While it runs

  private func train(_ trainer: Trainer, _ machine: Machine, _ ladder: CountingLadder?) throws {
    let perStep = trainer.record.configuration.batchSize * trainer.record.configuration.gradientAccumulation
    var report = TrainingReport(
      console, steps: trainer.record.configuration.steps, firstStep: trainer.record.step,
      tokensPerStep: perStep * trainer.model.configuration.context)
    var log = try TrainingLog(files.log, keepingUpTo: trainer.record.step, every: command.logEvery ?? 10)
    let speaker = Speaker(trainer, machine)
    let outcome = try trainer.run(
      saveTo: files.checkpoint, bestPath: files.best, shouldStop: { Interruption.isRequested }
    ) { event in
      switch event {
      case .stepped(let step):
        report.stepped(step)
        if log.isDue(step.step) { try log.write(step, tokensPerSecond: report.speed, evaluation: nil) }
      case .evaluated(let step, let result, let isBest):
        try log.write(step, tokensPerSecond: report.speed, evaluation: result, ladder: ladder)
        report.evaluated(step, result, isBest: isBest, ladder: ladder)
        if !command.quiet { try report.says(speaker, seed: trainer.record.configuration.seed, step: step.step) }
      case .saved: break
      case .averaged(let steps, let path, let result, let isBest):
        report.averaged(steps, path, result, isBest: isBest)
      }
    }
    console.endProgress()
    try conclude(trainer, outcome, speaker)
  }

  private func conclude(_ trainer: Trainer, _ outcome: Trainer.Outcome, _ speaker: Speaker) throws {
    let record = trainer.record
    let model = try files.conclude(record, outcome, console)
    if !command.quiet {
      console.note("")
      var options = SamplingOptions()
      options.newTokens = 200
      var writer = TextWriter(speaker.tokenizer, .streamed, console)
      let end = try speaker.speak([], options, seed: record.configuration.seed, sample: 0) { try writer.write($0) }
      try writer.finish()
      try console.answer(line: "")
      try console.flush()
      if end == .interrupted { throw Interrupted() }
    }
    console.note("")
    console.note("more of it: minigpt sample " + printable(shellQuoted(model.bytes)))
  }
}
