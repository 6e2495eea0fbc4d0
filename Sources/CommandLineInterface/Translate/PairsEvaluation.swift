internal import MiniGPT
internal import MiniGPTPlatform

/// `minigpt eval --pairs`: the loss of a translator, and its BLEU, also by the length of the source.
struct PairsEvaluation {
  let command: EvalCommand
  let console: Console

  func run() throws {
    let pairs = try InputError.namingEmpty { try TwoTexts.pairs(command.pairs) }
    let choice = try ModelChoice(command.model, .translator).announced(on: console)
    let machine = try Machine(threads: command.threads, console)
    let checkpoint = try choice.openTranslator()
    let numbers = command.heldOut ? try heldOut(pairs, checkpoint) : Array(0..<Int32(pairs.count))
    let interpreter = try Interpreter(checkpoint, machine, command.search.configuration)
    let encoded = try EncodedPairs.encode(
      pairs, numbers, interpreter.tokenizer, places: interpreter.configuration.context,
      pool: machine.pool)
    for skipped in [pairs.skipped, encoded.skipped] where skipped.count > 0 {
      console.say("left out: \(grouped(skipped.count)) line\(skipped.count == 1 ? "" : "s"): \(skipped.summary)")
    }
    if encoded.count == 0 {
      throw DatasetError.noPairs(
        command.pairs.map { printable($0) }.joined(separator: ", "), first: encoded.skipped.first.first)
    }
    var bleu = BLEUByLength(command.search.tokenization, lowercases: command.search.lowercases), loss = 0.0
    for start in stride(from: 0, to: encoded.count, by: interpreter.appetite) {
      if Interruption.isRequested { throw Interrupted() }
      console.progress(["translating", percent(start, encoded.count)])
      let places = start..<min(start + interpreter.appetite, encoded.count)
      let answers = interpreter.translate(places.map { encoded.source($0) })
      for (place, answer) in zip(places, answers) {
        let (source, target) = pairs.bytes(Int(encoded.numbers[place]))
        bleu.add(answer.first?.text ?? [], reference: target, source: source)
        loss += interpreter.loss(encoded.source(place), encoded.target(place))
      }
    }
    console.endProgress()
    try report(encoded.count, loss / Double(encoded.targetTokens), bleu)
  }

  /// The pairs that the training held out. Their sources decide, and a share that the record has, so that the same files
  /// give the same pairs.
  private func heldOut(_ pairs: SentencePairs, _ checkpoint: TranslatorCheckpoint) throws -> [Int32] {
    guard let record = checkpoint.record else { throw CheckpointError.noRecord(checkpoint.path) }
    if record.validationFingerprint != nil { throw NotHeldOut.otherFile(checkpoint.path) }
    if record.corpusFingerprint != pairs.corpus.fingerprint { throw NotHeldOut.otherPairs(checkpoint.path) }
    let numbers = pairs.split(validation: nil, record.configuration).heldOut.numbers
    if numbers.isEmpty { throw NotHeldOut.none(checkpoint.path) }
    return numbers
  }

  private func report(_ count: Int, _ loss: Double, _ bleu: BLEUByLength) throws {
    if command.json {
      let lengths = bleu.filled.map { bucket -> JSON in
        [
          "words": .string(lengthName(bucket.words)), "pairs": JSON(bucket.bleu.sentences),
          "bleu": JSON(bucket.bleu.score),
        ]
      }
      let record: JSON = [
        "pairs": JSON(count), "loss": JSON(loss), "bleu": JSON(bleu.all.score),
        "signature": .string(bleu.all.signature), "by_length": .array(lengths),
      ]
      return try console.answer(json: record)
    }
    try console.answer(table: [
      ("pairs", grouped(count)), ("loss", fixed(loss, 4)), ("BLEU", fixed(bleu.all.score, 2)),
      ("signature", bleu.all.signature),
    ])
    try console.answer(line: "")
    try console.answer(line: "by words of the source:")
    for bucket in bleu.filled {
      try console.answer(
        line: "  \(lengthName(bucket.words)): BLEU \(fixed(bucket.bleu.score, 2)) of \(grouped(bucket.bleu.sentences))"
          + " pair\(bucket.bleu.sentences == 1 ? "" : "s")")
    }
  }
}

/// Why the pairs that a training held out cannot be had.
enum NotHeldOut: Error, CustomStringConvertible {
  /// The training held out the pairs of a file of their own.
  case otherFile(Path)
  case otherPairs(Path)
  case none(Path)

  var description: String {
    switch self {
    case .otherFile(let path):
      "\(path): its training held out a file of its own: name it with --pairs, without --held-out"
    case .otherPairs(let path):
      "\(path): was trained on other pairs: --held-out needs the --pairs of its training, all and in their order"
    case .none(let path): "\(path): its training held out none"
    }
  }
}
