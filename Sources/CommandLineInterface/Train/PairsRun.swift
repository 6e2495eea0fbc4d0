internal import MiniGPT
internal import MiniGPTPlatform

/// A run on sentence pairs: what `minigpt train --pairs` does beside what all runs do.
final class PairsRun: RunMaterial {
  typealias Material = SentencePairs
  let material: SentencePairs
  let validation: SentencePairs?
  private let command: TrainCommand
  private let console: Console
  private(set) var tokensPerStep = 0
  private var evaluateEvery = 1
  /// What is held out, and who translates it.
  private var heldOut: EncodedPairs?
  private var interpreter: Interpreter?

  var givenTokenizer: (any Tokenizer)? { nil }
  func check(_ tokenizer: any Tokenizer) {}
  var ladder: CountingLadder? { nil }
  var heldOutTokens: Int { heldOut?.targetTokens ?? 0 }

  init(_ command: TrainCommand, _ console: Console) throws {
    self.command = command
    self.console = console
    material = try TwoTexts.pairs(command.pairs)
    validation = try command.validationPairs.map { name in
      try InputError.namingEmpty { try SentencePairs([Path(bytes: name)]) }
    }
  }

  static func name(_ command: TrainCommand) -> Path { Path(bytes: command.pairs.first ?? []) }

  func open(_ initial: ModelChoice) throws -> TranslatorCheckpoint { try initial.openTranslator() }

  func takeRecipe(_ command: inout TrainCommand, operations _: Double?, tokenizer _: (any Tokenizer)?) {
    command.complete(forPairs: material.count)
  }

  func shape(_ command: TrainCommand) -> TranslatorConfiguration { command.translatorShape() }

  func begin(_ setup: TranslationSetup, _ prepared: TranslationSetup.Prepared, _ machine: Machine) {
    let trainer = prepared.trainer, c = trainer.record.configuration, pairs = prepared.encoded.training
    let batches = PairBatches(pairs, c)
    // Targets of an update, on the average of an epoch.
    tokensPerStep = pairs.targetTokens * batches.copies * c.gradientAccumulation / max(1, batches.batches.count)
    evaluateEvery = c.evaluateEvery
    heldOut = prepared.encoded.validation
    let interpreter = Interpreter(trainer, machine)
    self.interpreter = interpreter
    if c.bestBy == .bleu, let heldOut { trainer.bleu = { self.bleu(interpreter, heldOut) } }
  }

  /// Lines of pairs that are named; the summary counts them all.
  private static let named = 5

  func introduction(_ prepared: TranslationSetup.Prepared, _ machine: Machine) -> [(name: String, value: String)] {
    let trainer = prepared.trainer, c = trainer.record.configuration, shape = trainer.model.configuration
    let training = prepared.encoded.training
    for skipped in [material.skipped, validation?.skipped, training.skipped, heldOut?.skipped] {
      guard let skipped, skipped.count > 0 else { continue }
      console.say("left out: \(grouped(skipped.count)) line\(skipped.count == 1 ? "" : "s"): \(skipped.summary)")
      for line in skipped.first.prefix(Self.named) { console.say("  " + printable("\(line)")) }
      if skipped.count > Self.named { console.say("  …") }
    }
    let steps = c.steps - trainer.record.step
    let time = TrainingEstimate.seconds(
      shape, pairs: training, updates: steps, targetsEach: tokensPerStep, machine.kernels, c.precision,
      threads: machine.pool.threads)
    return [
      ("pairs", "\(grouped(training.count)) to learn from, \(grouped(heldOut?.count ?? 0)) held out"),
      ("tokens", "\(grouped(training.sourceTokens)) of sources, \(grouped(training.targetTokens)) of targets"),
      ("vocabulary", "\(grouped(shape.vocabularySize)) tokens, for both languages"),
      ("model", "\(grouped(shape.parameterCount)) parameters"), opensIn(shape),
    ]
      + TrainingEstimate.rows(
        trainer,
        steps: TrainingEstimate.steps(
          c.steps, done: trainer.record.step, "of about \(grouped(tokensPerStep)) target tokens"),
        memory: trainer.memoryNeeded(recomputes: command.recompute), seconds: time, machine)
  }

  /// The held-out pairs, translated greedily, against what they should be; nil where it was interrupted.
  private func bleu(_ interpreter: Interpreter, _ heldOut: EncodedPairs) -> Double? {
    let pairs = validation ?? material
    var bleu = BLEU(), place = 0
    while place < heldOut.count {
      if Interruption.isRequested { return nil }
      let places = place..<min(place + interpreter.appetite, heldOut.count)
      let answers = interpreter.translate(places.map { heldOut.source($0) })
      for (place, answer) in zip(places, answers) {
        bleu.add(answer.first?.text ?? [], reference: pairs.bytes(Int(heldOut.numbers[place])).target)
      }
      place = places.upperBound
      console.progress(["translating", percent(place, heldOut.count)])
    }
    return bleu.score
  }

  /// A held-out sentence, another one each time.
  func say(step: Int, seed: UInt64) {
    guard let interpreter, let heldOut else { return }
    let place = step / max(1, evaluateEvery) % heldOut.count
    let answer = interpreter.translate([heldOut.source(place)]).first?.first?.text ?? []
    let source = (validation ?? material).bytes(Int(heldOut.numbers[place])).source
    console.note("  " + quoted(source) + " → " + quoted(answer))
  }

  func conclude(_ model: Path, _ record: TrainingRecord) {
    console.note("")
    console.note("try it: minigpt translate --model " + printable(shellQuoted(model.bytes)) + " 'a sentence'")
  }
}
