internal import MiniGPT

/// `minigpt train CORPUS…`: a text in, a checkpoint out.
///
/// What a recipe decides is open here: flags give it first, then the configuration file, then a preset, and the recipe
/// that suits the corpus gives what is left.
struct TrainCommand: Command {
  var corpora: [[UInt8]] = []
  var pairs: [[UInt8]] = []
  var validationPairs: [UInt8]?

  var out: [UInt8]?
  var overwrite = false
  var resume = false
  var initial: [UInt8]?

  var tokenizer: TokenizerWord?
  var vocabularySize: Int?
  var split: Splitter?

  var preset: String?
  var architecture: Architecture?
  var model = Settings<GPTConfiguration>()
  var training = Settings<TrainingConfiguration>()
  var epochs: Double?
  /// Seconds.
  var budget: Double?

  var validation: [UInt8]?

  var keepsIds: Bool?
  var log: [UInt8]?
  var logEvery: Int?
  var precision: PrecisionChoice?
  var recompute = false
  var threads: Int?
  var quiet = false

  /// Whether the warm-up follows the number of steps once that is known.
  var shortensWarmup = false

  static let names = ["train"]
  static let summary = "a text file in, a model out"
  static let discussion = """
    Learns to continue the text of one or more files. Without flags the recipe suits the corpus and a small machine. \
    Ctrl-C ends the step, writes the checkpoint and leaves; --resume goes on exactly there.
    """
  static let words = Words("CORPUS… | --pairs FILE", 0...10_000, "a CORPUS: one or more text files, or a file of ids")

  static let sections: [Section<Self>] = [
    Section(
      "Files",
      [
        .optional("out", in: \.out, .file(), else: "checkpoints/NAME-OF-CORPUS.safetensors", "the checkpoint to write"),
        .toggle("overwrite", in: \.overwrite, "replace a checkpoint that is there"),
        .toggle(
          "resume", in: \.resume,
          "go on where the checkpoint stopped, with the same corpus; only steps or epochs, intervals, patience "
            + "and threads may change"),
        .optional(
          "init", in: \.initial, .file("MODEL"), else: "fresh weights",
          "fine-tune: begin with the weights of this model, in its shape and with its tokenizer"),
      ] + fields(.files) + [
        .optional(
          "keep-ids", in: \.keepsIds, .onOff, else: "on where the texts are large",
          "the ids of the texts stay beside the checkpoint, NAME.tokens, for the next run on them"),
        .optional("log", in: \.log, .file(), else: "beside the checkpoint", "the log: one JSON object a line"),
        .optional(
          "log-every", "log-interval", in: \.logEvery, .integer(1...1_000_000_000), else: "10",
          "steps between its lines"),
      ]),
    Section(
      "Tokenizer",
      [
        .optional(
          "tokenizer", in: \.tokenizer, .tokenizer, else: "bpe",
          "made from the corpus, or a file"),
        .optional(
          "vocab-size", in: \.vocabularySize, .integer(257...4_194_304), else: "suits the corpus",
          "tokens that bpe may have"),
        .optional("split", in: \.split, .choice, else: "gpt2", "the rule that cuts text before bpe merges"),
      ]),
    Section(
      "Model",
      [
        .optional(
          "preset", in: \.preset, .oneOf(Preset.all.map(\.name)), else: "a recipe that suits the corpus",
          "a named recipe; any flag overrides its part"),
        .optional(
          "arch", in: \.architecture, .choice, else: "qwen3; the paper's for pairs",
          "the family of the blocks; the flags below change its parts"),
      ] + moving("context", behind: "embd", in: fields(.model))),
    Section(
      "Training",
      moving(
        "epochs", behind: "steps",
        in: fields(.training) + [
          .optional(
            "epochs", in: \.epochs, .number(above: 0, upTo: 1e9), else: "as --steps says",
            "passes over the training part, in place of steps; 0.5 is half of one"),
          .optional(
            "budget", in: \.budget, .duration, else: "as --steps says",
            "time that the whole run may take: sizes and steps are chosen by a short measurement"),
        ])),
    Section(
      "Validation",
      moving(
        "val", behind: "val-fraction",
        in: fields(.validation) + [
          .optional("val", in: \.validation, .file(), else: "none", "a text of its own to validate on")
        ])),
    .pairs,
    Section(
      "Running",
      [
        .optional(
          "precision", in: \.precision, .choice, else: "auto",
          "what products are computed in; auto is bf16 where this processor is faster with it"),
        .toggle(
          "recompute", in: \.recompute,
          "compute blocks again on the way back: less memory, about 1.3 times the time, the same bits"),
      ] + fields(.running) + [
        .optional("threads", in: \.threads, .integer(1...4096), else: "the cores it may use", "changes no result"),
        .toggle("quiet", in: \.quiet, "no progress"),
      ]),
  ]

  /// The flags of fields, in the order of their tables.
  static func fields(_ group: FlagGroup) -> [Option<Self>] {
    GPTConfiguration.fields.filter { $0.flag?.group == group }.compactMap { .field($0, in: \.model) }
      + TrainingConfiguration.fields.filter { $0.flag?.group == group }.compactMap { .field($0, in: \.training) }
  }

  private static func moving(_ name: String, behind other: String, in options: [Option<Self>]) -> [Option<Self>] {
    let moved = options.filter { $0.name == name }
    return options.filter { $0.name != name }.flatMap { $0.name == other ? [$0] + moved : [$0] }
  }

  /// A value of the training that is given, or nil.
  subscript<Value: FieldValue>(_ place: WritableKeyPath<TrainingConfiguration, Value>) -> Value? {
    get { training[place] }
    set { training[place] = newValue }
  }

  /// A value of the model that is given, or nil.
  subscript<Value: FieldValue>(_ place: WritableKeyPath<GPTConfiguration, Value>) -> Value? {
    get { model[place] }
    set { model[place] = newValue }
  }

  mutating func take(_ words: [[UInt8]]) throws { corpora = words }

  mutating func validate() throws {
    if resume && overwrite { throw UsageError.contradiction("--resume and --overwrite contradict each other") }
    if resume && initial != nil {
      throw UsageError.contradiction("--resume goes on with its own weights, so --init has no place")
    }
    if validation != nil && self[\.validationFraction] != nil {
      throw UsageError.contradiction("--val and --val-fraction both say what is held out: give one")
    }
    if resume && preset != nil {
      throw UsageError.contradiction("--resume takes the checkpoint's recipe, so --preset has no place")
    }
    if self[\.steps] != nil && epochs != nil {
      throw UsageError.contradiction("--steps and --epochs both say how long to train: give one")
    }
    try validateBudget()
    try validatePairs()
    if let architecture {
      if resume || initial != nil {
        throw UsageError.contradiction("--arch is for fresh weights: a model that is there has its own shape")
      }
      architecture.parts.fill(&self)
    }
    if let preset { Preset.named(preset)?.fill(&self) }
    try validateBlocks()
    if let low = self[\.minimumLearningRate], let high = self[\.learningRate], low > high {
      throw UsageError.contradiction("--min-lr \(shortest(low)) is above --lr \(shortest(high))")
    }
    if case .file(let name) = tokenizer, vocabularySize != nil || split != nil {
      let flag = vocabularySize != nil ? "--vocab-size" : "--split"
      throw UsageError.contradiction("\(flag) is for bpe made from the corpus: \(printable(name)) has its own")
    }
    if case .kind(let kind) = tokenizer, kind != .bpe {
      if vocabularySize != nil {
        throw UsageError.contradiction("--vocab-size is for bpe: a \(kind) vocabulary has its own size")
      }
      if split != nil { throw UsageError.contradiction("--split is for bpe: a \(kind) tokenizer cuts nothing") }
    }
  }

  private func validateBudget() throws {
    if budget == nil { return }
    func refuse(_ flag: String, _ why: String) -> UsageError { .contradiction("--budget and \(flag) \(why)") }
    if self[\.steps] != nil { throw refuse("--steps", "both say how long to train: give one") }
    if epochs != nil { throw refuse("--epochs", "both say how long to train: give one") }
    if preset != nil { throw refuse("--preset", "both choose sizes: give one") }
    if isForPairs { throw refuse("--pairs", "do not go together: translators have their presets") }
    if resume {
      throw UsageError.contradiction("--budget sizes a run at its start: --resume goes on with --steps N")
    }
  }

  /// What the flags alone show not to go together; sizes that are not known yet wait for the recipe.
  private func validateBlocks() throws {
    guard let width = self[\.block.width] else { return }
    var block = model.values.block
    if let heads = self[\.block.heads], block.headWidth == nil, width % heads != 0 {
      throw UsageError.contradiction(
        "--embd must be a multiple of --heads, and \(grouped(width)) is none of \(grouped(heads))")
    }
    block.heads = self[\.block.heads] ?? block.keyValueHeads ?? 1
    if let problem = block.problem(width: "--embd") { throw UsageError.contradiction(problem) }
  }

  func run(_ console: Console) throws {
    console.isQuiet = quiet
    if pairs.isEmpty {
      try TrainingRun<TextRun>(self, console).start()
    } else {
      try TrainingRun<PairsRun>(self, console).start()
    }
  }
}
