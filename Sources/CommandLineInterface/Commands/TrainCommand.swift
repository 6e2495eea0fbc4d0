internal import MiniGPT

/// `minigpt train CORPUS…`: a text in, a checkpoint out.
///
/// What a recipe decides is optional here: flags fill it first, then the configuration file, then a preset, and the
/// recipe that suits the corpus takes what is left.
struct TrainCommand: Command {
  var corpora: [[UInt8]] = []
  var lines = false
  var pairs: [[UInt8]] = []
  var validationPairs: [UInt8]?

  var out: [UInt8]?
  var overwrite = false
  var resume = false
  var initial: [UInt8]?

  var tokenizer: [UInt8]?
  var vocabularySize: Int?
  var split: Splitter?

  var preset: String?
  var layers: Int?
  var heads: Int?
  var width: Int?
  var context: Int?
  var feedForwardWidth: Int?
  var positions: Positions?
  var norm: NormPlacement?
  var activation: Activation?

  var steps: Int?
  var epochs: Double?
  var batchSize: Int?
  var batchTokens: Int?
  var accumulation: Int?
  var learningRate: Double?
  var minimumLearningRate: Double?
  var warmup: Int?
  var schedule: ScheduleKind?
  var weightDecay: Double?
  var beta1: Double?
  var beta2: Double?
  var clip: Double?
  var dropout: Double?
  var labelSmoothing: Double?
  var average: Int?
  var bestBy: BestBy?

  var validationFraction: Double?
  var validation: [UInt8]?
  var evaluateEvery: Int?
  var saveEvery: Int?
  var patience: Int?

  var log: [UInt8]?
  var logEvery: Int?
  var precision: PrecisionChoice?
  var recompute = false
  var seed: UInt64?
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
  static let words = Words("CORPUS… | --pairs FILE", 0...10_000, "a CORPUS: one or more text files")

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
        .toggle("lines", in: \.lines, "each line of the corpus is a text of its own"),
        .optional("log", in: \.log, .file(), else: "beside the checkpoint", "the log: one JSON object a line"),
        .optional("log-every", in: \.logEvery, .integer(1...1_000_000_000), else: "10", "steps between its lines"),
      ]),
    Section(
      "Tokenizer",
      [
        .optional(
          "tokenizer", in: \.tokenizer, .file(or: ["bpe", "char", "byte"]), else: "bpe",
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
        .optional("layers", "n-layer", in: \.layers, .integer(1...1024), else: "recipe", "blocks"),
        .optional("heads", "n-head", in: \.heads, .integer(1...1024), else: "recipe", "attention heads of a block"),
        .optional(
          "embd", "n-embd", in: \.width, .integer(1...65_536), else: "recipe", "width, a multiple of the heads"),
        .optional(
          "context", "block-size", in: \.context, .integer(1...1_048_576), else: "recipe",
          "tokens that the model sees at once"),
        .optional(
          "ffn", in: \.feedForwardWidth, .integer(1...262_144), else: "4 × width",
          "inner width of the feed-forward layer"),
        .optional("positions", in: \.positions, .choice, else: "learned", "how places are told apart"),
        .optional("norm", in: \.norm, .choice, else: "pre", "before each layer (GPT-2) or after it (the paper)"),
        .optional("activation", in: \.activation, .choice, else: "gelu", "of the feed-forward layer"),
      ]),
    Section(
      "Training",
      [
        .optional(
          "steps", "max-iters", in: \.steps, .integer(1...1_000_000_000), else: "recipe", "updates of the weights"),
        .optional(
          "epochs", in: \.epochs, .number(above: 0, upTo: 1e9), else: "as --steps says",
          "passes over the training part, in place of steps; 0.5 is half of one"),
        .optional(
          "batch-size", in: \.batchSize, .integer(1...65_536), else: "recipe", "windows that are computed together"),
        .optional("grad-accum", in: \.accumulation, .integer(1...65_536), else: "1", "batches of an update"),
        .optional("lr", in: \.learningRate, .number(above: 0, upTo: 1e30), else: "recipe", "highest learning rate"),
        .optional("min-lr", in: \.minimumLearningRate, .number(0...1e30), else: "lr / 10", "learning rate at the end"),
        .optional("warmup", in: \.warmup, .integer(0...1_000_000_000), else: "recipe", "steps until the highest rate"),
        .optional(
          "schedule", in: \.schedule, .choice, else: "cosine",
          "how the rate falls"),
        .optional("weight-decay", in: \.weightDecay, .number(0...10), else: "0.1", "pull of the matrices towards zero"),
        .optional("beta1", in: \.beta1, .number(0, below: 1), else: "0.9", "memory of the mean gradient"),
        .optional("beta2", in: \.beta2, .number(0, below: 1), else: "0.99", "memory of its square"),
        .optional("grad-clip", in: \.clip, .number(0...1e30), else: "1", "longest gradient; 0 is any"),
        .optional(
          "dropout", in: \.dropout, .number(0, below: 1), else: "recipe", "part of the values left out by chance"),
        .optional(
          "label-smoothing", in: \.labelSmoothing, .number(0, below: 1), else: "0 for texts, 0.1 for pairs",
          "probability that targets give to all tokens alike"),
        .optional(
          "average", in: \.average, .integer(1...1000), else: "1",
          "weights of the last N checkpoints that are averaged in the end"),
      ]),
    Section(
      "Validation",
      [
        .optional(
          "val-fraction", in: \.validationFraction, .number(0, below: 1), else: "0.1", "end of the text held out"),
        .optional("val", in: \.validation, .file(), else: "none", "a text of its own to validate on"),
        .optional(
          "eval-every", in: \.evaluateEvery, .integer(1...1_000_000_000), else: "recipe", "steps between evaluations"),
        .optional(
          "save-every", in: \.saveEvery, .integer(1...1_000_000_000), else: "as eval-every", "steps between checkpoints"
        ),
        .optional(
          "patience", in: \.patience, .integer(1...1_000_000), else: "never stops",
          "evaluations without a better one before it stops"),
      ]),
    .pairs,
    Section(
      "Running",
      [
        .optional(
          "precision", in: \.precision, .choice, else: "auto",
          "what products are computed in; auto is bf16 where the processor multiplies it (AMX, AVX-512 BF16)"),
        .toggle(
          "recompute", in: \.recompute,
          "compute blocks again on the way back: less memory, about 1.3 times the time, the same bits"),
        .optional("seed", in: \.seed, .seed, else: "drawn, and printed", "of all chance: same seed, same bits"),
        .optional("threads", in: \.threads, .integer(1...4096), else: "the cores it may use", "changes no result"),
        .toggle("quiet", in: \.quiet, "no progress"),
      ]),
  ]

  mutating func take(_ words: [[UInt8]]) throws { corpora = words }

  mutating func validate() throws {
    if resume && overwrite { throw UsageError.contradiction("--resume and --overwrite contradict each other") }
    if resume && initial != nil {
      throw UsageError.contradiction("--resume goes on with its own weights, so --init has no place")
    }
    if validation != nil && validationFraction != nil {
      throw UsageError.contradiction("--val and --val-fraction both say what is held out: give one")
    }
    if resume && preset != nil {
      throw UsageError.contradiction("--resume takes the checkpoint's recipe, so --preset has no place")
    }
    if steps != nil && epochs != nil {
      throw UsageError.contradiction("--steps and --epochs both say how long to train: give one")
    }
    try validatePairs()
    if let preset { Preset.named(preset)?.fill(&self) }
    if let heads, let width, width % heads != 0 {
      throw UsageError.contradiction(
        "--embd must be a multiple of --heads, and \(grouped(width)) is none of \(grouped(heads))")
    }
    if positions?.haveFixedTable == true, let width, width % 2 != 0 {
      throw UsageError.contradiction("sinusoidal positions need an even --embd, not \(grouped(width))")
    }
    if let low = minimumLearningRate, let high = learningRate, low > high {
      throw UsageError.contradiction("--min-lr \(shortest(low)) is above --lr \(shortest(high))")
    }
    if let kind = tokenizer.flatMap({ TokenizerKind(rawValue: String(decoding: $0, as: UTF8.self)) }), kind != .bpe {
      if vocabularySize != nil {
        throw UsageError.contradiction("--vocab-size is for bpe: a \(kind) vocabulary has its own size")
      }
      if split != nil { throw UsageError.contradiction("--split is for bpe: a \(kind) tokenizer cuts nothing") }
    }
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
