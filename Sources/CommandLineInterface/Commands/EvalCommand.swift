internal import MiniGPT
internal import MiniGPTPlatform

/// `minigpt eval FILE`: how well a model predicts a text.
struct EvalCommand: Command, Searching {
  var model: [UInt8]?
  var file: [UInt8] = []
  var pairs: [[UInt8]] = []
  var heldOut = false
  var search = SearchOptions()
  var allowsSpecial = false
  var ids = false
  var logits: [UInt8]?
  var overwrite = false
  var precision = Precision.fp32
  var weights: NumberFormat?
  var stride: Int?
  var threads: Int?
  var baselines = false
  var quiet = false
  var json = false

  static let names = ["eval"]
  static let summary = "loss, perplexity and bits per byte on a text"
  static let discussion = """
    Goes over the text in windows of the model's context, one after another; each token is predicted from those before \
    it in its window. The very first token is not predicted. With --stride N windows overlap: a second figure, in which \
    each token, but near the beginning, has at least the context less N before it. With --pairs a translator translates the sources, and \
    BLEU compares.
    """
  static let words = Words("[MODEL] FILE | --pairs FILE", 0...2, "a FILE: the text to predict")

  static let sections: [Section<Self>] = [
    Section(
      "Text",
      [
        .toggle("allow-special", in: \.allowsSpecial, "names of special tokens in the text are those tokens"),
        .optional(
          "stride", in: \.stride, .integer(1...1_000_000_000), else: "none",
          "also in windows that begin N tokens apart, N at most the context; each counts its last N predictions"),
        .toggle("ids", in: \.ids, "FILE holds ids of tokens, separated by white space, instead of text"),
        .optional(
          "logits", in: \.logits, .file(), else: "none",
          "writes the logits of all predictions: a tensor logits, [tokens, V], fp32, as safetensors"),
        .toggle("overwrite", in: \.overwrite, "replace a file of logits that is there"),
      ]),
    Section(
      "Translation",
      [
        .list("pairs", in: \.pairs, .file(), else: "none", "sentences and translations, in place of a text"),
        .toggle("held-out", in: \.heldOut, "of the pairs that MODEL was trained on, those that were held out"),
      ] + Option.search + Option.comparison),
    Section(
      "Running",
      [
        .optional(
          "model", in: \.model, .file("MODEL"), else: "the newest in checkpoints", "the checkpoint that predicts"),
        .value("precision", in: \.precision, .choice, "of matrix products"),
        .optional(
          "weights", in: \.weights, .choice, else: "those of training",
          "as generation reads them, one token after the other"),
        .optional("threads", in: \.threads, .integer(1...4096), else: "the cores it may use", "changes no result"),
        .toggle("baselines", in: \.baselines, "on the end of FILE, beside n-grams counted on the rest"),
        .toggle(
          "json", in: \.json,
          "one JSON object: tokens, bytes, loss, perplexity, bits_per_byte, with --stride also stride, stride_loss, "
            + "stride_perplexity, stride_bits_per_byte; pairs: pairs, loss, bleu, signature"),
        .toggle("quiet", in: \.quiet, "no progress"),
      ]),
  ]

  mutating func take(_ words: [[UInt8]]) throws {
    if !pairs.isEmpty {
      if baselines { throw UsageError.contradiction("--baselines are for texts, and --pairs are sentences") }
      if words.count > 1 { throw UsageError.wordTooMany(command: Self.name, word: words[1], allowed: 1) }
      return try takeModel(words.first, into: &model)
    }
    guard let last = words.last else { throw UsageError.wordMissing(command: Self.name, what: Self.words.what) }
    file = last
    if words.count > 1 { try takeModel(words[0], into: &model) }
  }

  mutating func validate() throws {
    if !pairs.isEmpty && (ids || logits != nil) {
      throw UsageError.contradiction("--ids and --logits are for texts, and --pairs are sentences")
    }
    if stride != nil {
      if !pairs.isEmpty { throw UsageError.contradiction("--stride is for texts, and --pairs are sentences") }
      if logits != nil {
        throw UsageError.contradiction("--logits are those of windows one after another: leave out --stride")
      }
      if weights != nil {
        throw UsageError.contradiction("--weights has windows one after another: leave out --stride")
      }
    }
    if weights != nil {
      if !pairs.isEmpty { throw UsageError.contradiction("--weights is for texts, and --pairs are sentences") }
      if precision != .fp32 { throw UsageError.contradiction("--weights has its own products: leave out --precision") }
      if logits != nil { throw UsageError.contradiction("--logits are those of training's products, not of --weights") }
    }
    if heldOut && pairs.isEmpty { throw UsageError.contradiction("--held-out is for --pairs, and a FILE is a text") }
    if ids && baselines { throw UsageError.contradiction("--baselines counts bytes of a text, which --ids has not") }
  }

  /// Positions of the windows that are computed together; the result does not depend on it.
  private static let positions = 2048

  func run(_ console: Console) throws {
    console.isQuiet = quiet
    if !pairs.isEmpty { return try PairsEvaluation(command: self, console: console).run() }
    let path = Path(bytes: file)
    // What cannot be read is said before a model is looked for.
    let corpus = ids ? nil : try InputError.namingEmpty { try TextCorpus([path]) }
    let bytes = ids ? try FileReader.bytes(of: path) : []
    let choice = try ModelChoice(self.model).announced(on: console)
    if let logits {
      try console.claim(Path(bytes: logits), reading: [path, choice.path], overwrite: overwrite, flag: "logits")
    }
    let checkpoint = try choice.open()
    if let stride, stride > checkpoint.configuration.context {
      throw StrideTooLong(path: choice.path, stride: stride, context: checkpoint.configuration.context)
    }
    let machine = try Machine(threads: threads, console)
    let tokenizer = try checkpoint.tokenizer()
    let split = try corpus.flatMap { baselines ? try self.split($0, checkpoint) : nil }
    let tokens =
      try corpus.map {
        try TokenSequence.encode(
          split?.held ?? $0.parts, tokenizer,
          allowsSpecial || checkpoint.record?.configuration.allowsSpecial == true ? .specials : .plain,
          pool: machine.pool)
      }
      ?? TokenSequence.of(IdFile.read(bytes, path, vocabularySize: tokenizer.vocabularySize))
    if tokens.count < 2 { throw DatasetError.tooShort(what: "\(path)", tokens: tokens.count, context: 1) }
    let (result, strided) = try evaluate(checkpoint, tokenizer, tokens, machine, console)
    let ladder = try split.map { try self.ladder($0, tokens, tokenizer, console) }
    if json {
      var record: JSONObject = [
        "tokens": JSON(result.tokens), "bytes": JSON(result.bytes), "loss": JSON(result.loss),
        "perplexity": JSON(result.perplexity), "bits_per_byte": JSON(result.bitsPerByte),
      ]
      if let stride, let strided {
        record.append("stride", JSON(stride))
        record.append("stride_loss", JSON(strided.loss))
        record.append("stride_perplexity", JSON(strided.perplexity))
        record.append("stride_bits_per_byte", JSON(strided.bitsPerByte))
      }
      if let ladder {
        let rungs = ladder.bitsPerByte.enumerated().map { index, bits -> JSON in
          ["order": JSON(index + 1), "bits_per_byte": JSON(bits)]
        }
        record.append("baselines", .array(rungs))
      }
      return try console.answer(json: .object(record))
    }
    var rows = [
      ("tokens", grouped(result.tokens)), ("bytes", grouped(result.bytes)), ("loss", fixed(result.loss, 4)),
      ("perplexity", fixed(result.perplexity, 3)), ("bits per byte", fixed(result.bitsPerByte, 4)),
    ]
    if let stride, let strided {
      let figures = [
        "loss \(fixed(strided.loss, 4))", "perplexity \(fixed(strided.perplexity, 3))",
        "bits per byte \(fixed(strided.bitsPerByte, 4))",
      ]
      rows.append(("stride \(grouped(stride))", figures.joined(separator: ", ")))
    }
    try console.answer(table: rows)
    if let ladder {
      try console.answer(line: "")
      try console.answer(table: rungs(ladder, result, checkpoint.configuration.context))
    }
  }

  /// What n-grams learn from, and what they and the model predict: the split of the model's training.
  private func split(_ corpus: TextCorpus, _ checkpoint: Checkpoint) throws -> Split {
    if corpus.byteCount > CountingLadder.mostBytes {
      throw TooLargeToCount(path: Path(bytes: file), bytes: corpus.byteCount)
    }
    let fraction = checkpoint.record?.configuration.validationFraction ?? 0
    let parts = corpus.split(holdingOut: fraction > 0 ? fraction : 0.1, most: .max)
    return Split(training: parts.training, held: parts.validation)
  }

  private struct Split {
    let training: [TextCorpus.Part]
    let held: [TextCorpus.Part]
  }

  private func ladder(
    _ split: Split, _ tokens: TokenSequence, _ tokenizer: any Tokenizer, _ console: Console
  ) throws -> CountingLadder {
    let bytes = (split.training + split.held).reduce(0) { $0 + $1.range.count }
    let first = tokens.read(0..<1) { Int(tokenizer.tokenByteLengths[Int($0[0])]) }
    let ladder = CountingLadder.measure(training: split.training, held: split.held, first: first) { done in
      console.progress(["counting n-grams", percent(done, bytes)])
      return !Interruption.isRequested
    }
    console.endProgress()
    guard let ladder else { throw Interrupted() }
    return ladder
  }

  /// The ladder from the single byte to the model: what predicts, from how much, and how well.
  private func rungs(_ ladder: CountingLadder, _ result: EvaluationResult, _ context: Int) -> [(String, String)] {
    let grams = ladder.bitsPerByte.enumerated().map { index, bits -> (String, String) in
      ("\(index + 1)-gram", "\(fixed(bits, 4)) bits per byte from \(index) byte\(index == 1 ? "" : "s")")
    }
    return grams + [("GPT", "\(fixed(result.bitsPerByte, 4)) bits per byte from up to \(grouped(context)) tokens")]
  }

  /// The figure of windows one after another, and that of overlapping ones where it is asked for.
  private func evaluate(
    _ checkpoint: Checkpoint, _ tokenizer: any Tokenizer, _ tokens: TokenSequence, _ machine: Machine,
    _ console: Console
  ) throws -> (EvaluationResult, strided: EvaluationResult?) {
    if let weights {
      let evaluation = GeneratedEvaluation(
        checkpoint: checkpoint, tokenizer: tokenizer, tokens: tokens, weights: weights)
      return (try evaluation.run(machine, console), nil)
    }
    let model = GPT(checkpoint.configuration)
    // A text that is shorter than the context needs no memory for more.
    let context = min(checkpoint.configuration.context, tokens.count - 1)
    let stride = self.stride.map { min($0, context) }
    let windows = HeldOutText.windows(tokens.count, length: context, stride: stride ?? context)
    let capacity = TextBatch.Capacity(windows: max(1, min(windows, Self.positions / context)), length: context)
    let workspace = TrainingWorkspace(
      model, capacity, .inference, try checkpoint.parameters(), on: machine.processor.with(precision))
    let memory = workspace.memory
    func run(stride: Int? = nil, _ seen: (Slot) throws -> Void = { _ in }) throws -> EvaluationResult {
      let result = try HeldOutLoss.run(
        model, workspace, on: HeldOutText(tokens, capacity, stride: stride), byteLengths: tokenizer.tokenByteLengths,
        seen: seen
      ) { done in
        let what = stride.map { "evaluating, stride \(grouped($0))" } ?? "evaluating"
        console.progress([what, percent(Int(done * 1e6), 1_000_000)])
        return !Interruption.isRequested
      }
      console.endProgress()
      guard let result else { throw Interrupted() }
      return result
    }
    guard let logits else { return (try run(), try stride.map { try run(stride: $0) }) }
    var result: EvaluationResult?
    let tensor = SafetensorsFileWriter.Tensor(
      "logits", .f32, [tokens.count - 1, checkpoint.configuration.vocabularySize])
    try SafetensorsFileWriter.write(Path(bytes: logits), tensors: [tensor], metadata: []) { _, writer in
      result = try run { rows in try memory.withBytes(of: rows) { try writer.append($0) } }
    }
    guard let result else { throw Interrupted() }
    return (result, nil)
  }
}

/// Windows that would leave tokens out between them.
struct StrideTooLong: Error, CustomStringConvertible {
  let path: Path
  let stride: Int
  let context: Int

  var description: String {
    "\(path): its context is \(grouped(context)) tokens, but --stride is \(grouped(stride)): it must not be longer"
  }
}

/// A text of which n-grams would take too much time and memory.
struct TooLargeToCount: Error, CustomStringConvertible {
  let path: Path
  let bytes: Int

  var description: String {
    "\(path): too large for n-grams: \(grouped(bytes)) bytes, but --baselines counts at most"
      + " \(grouped(CountingLadder.mostBytes))"
  }
}
