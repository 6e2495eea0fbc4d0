internal import MiniGPT
internal import MiniGPTPlatform

/// A run on texts: what `minigpt train CORPUS…` does beside what all runs do.
final class TextRun: RunMaterial {
  typealias Material = TextCorpus
  let material: TextCorpus
  let validation: TextCorpus?
  private let command: TrainCommand
  private let console: Console
  private let ids: CorpusOfIds?
  private(set) var ladder: CountingLadder?
  private(set) var tokensPerStep = 0
  private(set) var heldOutTokens = 0
  /// How far counting gets, which the model must beat; nil where nothing is held out.
  private var rungs: String?
  private var speaker: Speaker?
  /// What its samples begin with: nothing, or the corpus's first token where no token begins a text.
  private var opening: [Int32] = []

  init(_ command: TrainCommand, _ console: Console) throws {
    self.command = command
    self.console = console
    let ids = try CorpusOfIds(command)
    if ids == nil, let model = command.corpora.first(where: isModel) {
      let path = Path(bytes: model), isTranslator = (try? ModelFile.open(path).translator()) != nil
      throw NotACorpus.model(path, resumes: command.resume, isTranslator: isTranslator)
    }
    material = try ids?.corpus ?? TextCorpus(command.corpora.map { Path(bytes: $0) })
    self.ids = ids
    for file in material.files where ids == nil && command.needsUTF8 && OddText(file).isUTF16 {
      throw NotACorpus.utf16(file.path)
    }
    if ids == nil, let file = material.files.first {
      let odd = OddText(file)
      if let ends = odd.lineEnds { console.note("\(file.path) \(ends)") }
      if command[\.allowsSpecial] != true, let name = odd.specialName {
        console.note("\(file.path) holds \(name), learned as letters: --allow-special makes it a token")
      }
      if SentencePairs.looksLikePairs(file) {
        console.note(
          "\(file.path) looks like sentence pairs: minigpt train --pairs \(file.path) learns to translate them")
      }
    }
    validation = try command.validation.map { name in
      if TokenFile.isOne(Path(bytes: name)) { throw NotACorpus.idsToValidate(Path(bytes: name)) }
      return try InputError.namingEmpty { try TextCorpus([Path(bytes: name)]) }
    }
  }

  static func name(_ command: TrainCommand) -> Path { Path(bytes: command.corpora.first ?? []) }

  func open(_ initial: ModelChoice) throws -> Checkpoint { try initial.open() }

  var givenTokenizer: (any Tokenizer)? { ids?.tokenizer }

  func check(_ tokenizer: any Tokenizer) throws {
    if let ids, let file = material.files.first { try ids.check(against: tokenizer, file.path) }
  }

  func takeRecipe(_ command: inout TrainCommand, operations: Double?, tokenizer: (any Tokenizer)?) {
    command.complete(forCorpusOf: material.byteCount, operations: operations, tokenizer: tokenizer)
  }

  func shape(_ command: TrainCommand) -> GPTConfiguration { command.shape() }

  func begin(_ setup: TrainingSetup, _ prepared: TrainingSetup.Prepared, _ machine: Machine) {
    let trainer = prepared.trainer, c = trainer.record.configuration
    heldOutTokens = prepared.encoded.validation.count
    tokensPerStep = c.batchSize * c.gradientAccumulation * trainer.model.configuration.context
    speaker = Speaker(trainer, machine)
    if trainer.tokenizer.marks.begin == nil { opening = prepared.encoded.training.read(0..<1) { [$0[0]] } }
    ladder = setup.countingLadder(prepared.encoded) { done in
      console.progress(["counting n-grams", percent(done, material.byteCount)])
      return !Interruption.isRequested
    }
    console.endProgress()
    if let best = ladder?.best {
      rungs = "\(fixed(best.bitsPerByte, 4)) bits per byte by counting (order \(best.order)): to be beaten"
    } else if prepared.encoded.validation.count >= 2, material.tokens == nil, !setup.isCountable {
      rungs = "not counted: the corpus is larger than \(size(CountingLadder.mostBytes))"
    }
  }

  func introduction(_ prepared: TrainingSetup.Prepared, _ machine: Machine) -> [(name: String, value: String)] {
    let trainer = prepared.trainer, c = trainer.record.configuration, shape = trainer.model.configuration
    let heldOut = prepared.encoded.validation.count, steps = c.steps - trainer.record.step
    let time = TrainingEstimate.seconds(
      shape, tokens: steps * tokensPerStep, machine.kernels, c.precision, threads: machine.pool.threads)
    let rows = [
      ("corpus", "\(grouped(material.byteCount)) bytes" + (material.tokens == nil ? "" : ", as ids")),
      (
        "tokens",
        "\(grouped(prepared.encoded.training.count)) to learn from, "
          + (heldOut == 0 ? "none held out" : "\(grouped(heldOut)) held out")
      ),
      ("vocabulary", "\(grouped(shape.vocabularySize)) tokens (\(trainer.tokenizer.kind.rawValue))"),
    ]
    return rows + (rungs.map { [("n-grams", $0)] } ?? []) + [
      ("model", "\(grouped(shape.parameterCount)) parameters"), opensIn(shape), ("precision", c.precision.rawValue),
    ]
      + TrainingEstimate.rows(
        trainer,
        steps: TrainingEstimate.steps(c.steps, done: trainer.record.step, "of \(grouped(tokensPerStep)) tokens"),
        memory: trainer.memoryNeeded(recomputes: command.recompute), seconds: time, machine)
  }

  func say(step: Int, seed: UInt64) throws {
    guard let speaker else { return }
    var options = SamplingOptions()
    options.newTokens = 40
    options.ignoresEnd = true
    var decoder = StreamingDecoder(speaker.tokenizer), text = ""
    for id in try speaker.say(opening, options, seed: seed, sample: step, text: { _ in }).tokens {
      text += decoder.push(id)
    }
    let line = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    let room = max(20, min(80, Terminal.width(2)) - 6)
    console.note("  " + printable(String(line.prefix(room))))
  }

  func conclude(_ model: Path, _ record: TrainingRecord) throws {
    if let rung = ladder?.best, let best = record.best, rung.bitsPerByte < best.bitsPerByte {
      console.note(
        "counting is better on this text: \(fixed(rung.bitsPerByte, 4)) bits per byte by n-grams of order \(rung.order),"
          + " \(fixed(best.bitsPerByte, 4)) by the model")
    }
    if !command.quiet, let speaker {
      console.note("")
      var options = SamplingOptions()
      options.newTokens = 200
      let answer = try speaker.say(opening, options, seed: record.configuration.seed, sample: 0, to: console)
      if answer.end == .interrupted { throw Interrupted() }
    }
    console.note("")
    console.note("more of it: minigpt sample " + printable(shellQuoted(model.bytes)))
  }
}
