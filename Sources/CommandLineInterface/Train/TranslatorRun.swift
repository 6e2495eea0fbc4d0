internal import MiniGPT
internal import MiniGPTPlatform

/// One run of `minigpt train --pairs`, from the files to the last word.
final class TranslatorRun {
  private var command: TrainCommand
  private let console: Console
  private let files: TrainingFiles
  private let pairs: SentencePairs
  private let validation: SentencePairs?

  init(_ command: TrainCommand, _ console: Console) throws {
    self.command = command
    self.console = console
    let paths = command.pairs.map { Path(bytes: $0) }
    pairs = try SentencePairs(paths)
    validation = try command.validationPairs.map { try SentencePairs([Path(bytes: $0)]) }
    files = TrainingFiles(out: command.out, log: command.log, corpus: paths[0])
  }

  func run() throws {
    try files.prepare(isDefault: command.out == nil, overwrite: command.overwrite, resume: command.resume)
    let checkpoint = command.resume ? try TranslatorCheckpoint(files.checkpoint) : nil
    let tokenizer: TokenizerChoice
    if let checkpoint {
      guard let record = checkpoint.record else { throw CheckpointError.noRecord(files.checkpoint) }
      tokenizer = try command.ownTokenizer(of: checkpoint) {
        .differs(path: "\(checkpoint.path)", what: $0, checkpoint: $1, given: $2)
      }
      command.complete(from: checkpoint, record)
    } else {
      command.complete(forPairs: pairs.count)
      tokenizer = try command.freshTokenizer()
    }
    let (seed, machine) = try command.settle(console)
    var setup = TranslationSetup(
      pairs: pairs, tokenizer: tokenizer, shape: command.translatorShape(),
      configuration: command.configuration(seed: seed), threads: machine.pool.threads,
      instructionSet: machine.instructionSet)
    setup.validation = validation
    setup.epochs = command.epochs
    setup.recomputes = command.recompute
    setup.availableMemory = ProcessMemory.physical
    let prepared = try setup.prepare { progress in console.progress(words(progress)) }
    console.endProgress()
    if let checkpoint { try prepared.trainer.resume(checkpoint) }
    introduce(prepared, machine)
    try train(prepared, machine)
  }

  // MARK: - Before it starts

  private func words(_ progress: TranslationSetup.Progress) -> [String] {
    switch progress {
    case .trainingTokenizer(.counting(let done, let total)): ["counting pieces", percent(done, total)]
    case .trainingTokenizer(.merging(let done, let total)):
      ["making tokens", "\(grouped(done)) of \(grouped(total))"]
    case .encoding(let done): ["encoding", percent(done, pairs.count)]
    }
  }

  /// Lines of pairs that are named; the summary counts them all.
  private static let named = 5

  private func introduce(_ prepared: TranslationSetup.Prepared, _ machine: Machine) {
    let trainer = prepared.trainer, c = trainer.record.configuration, shape = trainer.model.configuration
    for skipped in [pairs.skipped, validation?.skipped, prepared.training.skipped, prepared.validation?.skipped] {
      guard let skipped, skipped.count > 0 else { continue }
      console.say("left out: \(grouped(skipped.count)) line\(skipped.count == 1 ? "" : "s"): \(skipped.summary)")
      for line in skipped.first.prefix(Self.named) { console.say("  " + printable("\(line)")) }
      if skipped.count > Self.named { console.say("  …") }
    }
    let training = PairBatches(prepared.training, tokens: c.batchTokens, seed: c.seed)
    let held = prepared.validation.map { PairBatches($0, tokens: c.batchTokens, seed: nil) }
    let steps = c.steps - trainer.record.step, perStep = targetTokens(training, c)
    let time = TrainingEstimate.seconds(
      shape, pairs: prepared.training, updates: steps, targetsEach: perStep, machine.kernels, c.precision,
      threads: machine.pool.threads)
    let rows = [
      (
        "pairs",
        "\(grouped(prepared.training.count)) to learn from, \(grouped(prepared.validation?.count ?? 0)) held out"
      ),
      (
        "tokens",
        "\(grouped(prepared.training.sourceTokens)) of sources, \(grouped(prepared.training.targetTokens)) of targets"
      ),
      ("vocabulary", "\(grouped(shape.vocabularySize)) tokens, for both languages"),
      ("model", "\(grouped(shape.parameterCount)) parameters"),
      (
        "memory",
        size(TranslatorTrainer.memoryNeeded(shape, training, held, recomputes: command.recompute))
      ),
      ("steps", "\(grouped(steps)) of about \(grouped(perStep)) target tokens"),
      ("time", "roughly \(duration(time)) on \(machine.pool.threads) thread\(machine.pool.threads == 1 ? "" : "s")"),
      ("seed", "\(c.seed)"),
    ]
    for row in table(rows) { console.note(row) }
    if trainer.record.step > 0 { console.note("resumed at step \(grouped(trainer.record.step))") }
    let line = canonicalCommand(
      command, words: [], leavingOut: ["resume", "overwrite", "quiet", "threads", "preset"])
    console.note("again: " + printable(line))
  }

  /// Targets of an update, on the average of an epoch.
  private func targetTokens(_ batches: PairBatches, _ c: TrainingConfiguration) -> Int {
    batches.pairs.targetTokens * c.gradientAccumulation / max(1, batches.batches.count)
  }

  // MARK: - While it runs

  private func train(_ prepared: TranslationSetup.Prepared, _ machine: Machine) throws {
    let trainer = prepared.trainer, c = trainer.record.configuration
    let interpreter = Interpreter(trainer, machine)
    let held = validation ?? pairs
    if c.bestBy == .bleu, let encoded = prepared.validation {
      trainer.measureBLEU { self.bleu(interpreter, held, encoded) }
    }
    var report = TrainingReport(
      console, steps: c.steps, firstStep: trainer.record.step,
      tokensPerStep: targetTokens(PairBatches(prepared.training, tokens: c.batchTokens, seed: c.seed), c))
    var log = try TrainingLog(files.log, keepingUpTo: trainer.record.step, every: command.logEvery ?? 10)
    let outcome = try trainer.run(
      saveTo: files.checkpoint, bestPath: files.best, shouldStop: { Interruption.isRequested }
    ) { event in
      switch event {
      case .stepped(let step):
        report.stepped(step)
        if log.isDue(step.step) { try log.write(step, tokensPerSecond: report.speed, evaluation: nil) }
      case .evaluated(let step, let result, let isBest):
        try log.write(step, tokensPerSecond: report.speed, evaluation: result)
        report.evaluated(step, result, isBest: isBest)
        if !command.quiet, let encoded = prepared.validation { say(interpreter, held, encoded, step.step) }
        report.restart()
      case .averaged(let steps, let path, let result, let isBest):
        report.averaged(steps, path, result, isBest: isBest)
      case .saved: break
      }
    }
    console.endProgress()
    try conclude(trainer, outcome)
  }

  /// The BLEU of the held-out pairs, translated greedily; nil if interrupted, as a part of them says nothing.
  private func bleu(_ interpreter: Interpreter, _ held: SentencePairs, _ encoded: EncodedPairs) -> Double? {
    var bleu = BLEU(), place = 0
    while place < encoded.count {
      if Interruption.isRequested { return nil }
      let places = place..<min(place + interpreter.appetite, encoded.count)
      let answers = interpreter.translate(places.map { encoded.source($0) })
      for (place, answer) in zip(places, answers) {
        bleu.add(answer.first?.text ?? [], reference: held.bytes(Int(encoded.numbers[place])).target)
      }
      place = places.upperBound
      console.progress(["translating", percent(place, encoded.count)])
    }
    return bleu.score
  }

  /// One line of what the model says now: a held-out sentence, another one each time.
  private func say(_ interpreter: Interpreter, _ held: SentencePairs, _ encoded: EncodedPairs, _ step: Int) {
    let evaluation = step / max(1, command.evaluateEvery ?? 1), place = evaluation % encoded.count
    let answer = interpreter.translate([encoded.source(place)]).first?.first?.text ?? []
    let source = held.bytes(Int(encoded.numbers[place])).source
    console.note("  " + quoted(source) + " → " + quoted(answer))
  }

  private func conclude(_ trainer: TranslatorTrainer, _ outcome: TranslatorTrainer.Outcome) throws {
    let model = try files.conclude(trainer.record, outcome, console)
    console.note("")
    console.note(
      "try it: minigpt translate --model " + printable(shellQuoted(model.bytes))
        + " 'a sentence'")
  }
}
