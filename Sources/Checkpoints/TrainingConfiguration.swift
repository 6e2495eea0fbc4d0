package import MiniGPTStorage
public import MiniGPTTensors

/// How the learning rate goes after its warm-up.
public enum ScheduleKind: String, CaseIterable, Sendable {
  case cosine, linear, constant
  case inverseSquareRoot = "inverse-sqrt"
  /// At its highest for a while, then falling in a line.
  case plateau
}

/// What updates the matrices of products; all else is AdamW's.
public enum OptimizerKind: String, CaseIterable, Sendable {
  case adamw, muon
}

/// How weight decay goes.
public enum DecaySchedule: String, CaseIterable, Sendable {
  /// As the learning rate alone.
  case constant
  /// Rising and falling as the learning rate does besides.
  case rate
}

/// The polynomials by which Muon makes matrices orthogonal.
public enum OrthogonalSeries: String, CaseIterable, Sendable {
  /// The same in each iteration.
  case fixed
  /// The best of each iteration.
  case polar
}

/// What makes an evaluation the best.
public enum BestBy: String, CaseIterable, Sendable {
  /// The lowest loss.
  case loss
  /// The highest BLEU of the held-out pairs, translated.
  case bleu
}

/// Where the windows of a batch lie in the text.
public enum DataOrder: String, CaseIterable, Sendable {
  /// Anywhere, each by chance.
  case windows
  /// One behind the other from a random place below the context on, in a random order: an epoch passes over each of them
  /// once, and the next one cuts and shuffles anew. A last one that is too short is left out of its epoch.
  case blocks
}

/// All that decides a training run besides the model's shape and the corpus. Equal values give equal bits.
public struct TrainingConfiguration: Equatable, Sendable {
  /// Updates in all.
  public var steps = 2000
  /// Windows in a batch.
  public var batchSize = 12
  /// Where the windows of a batch lie in the text.
  public var order = DataOrder.windows
  /// Batches in an update.
  public var gradientAccumulation = 1
  /// The highest learning rate.
  public var learningRate = 1e-3
  /// The learning rate that cosine and linear schedules end with.
  public var minimumLearningRate = 1e-4
  /// Updates until the learning rate is at its highest.
  public var warmup = 100
  /// How the learning rate falls behind the warm-up.
  public var schedule = ScheduleKind.cosine
  /// The part of all updates in which the plateau's rate falls.
  public var cooldown = 0.6
  /// What updates the matrices of products.
  public var optimizer = OptimizerKind.adamw
  /// Muon's highest learning rate; nil: as AdamW's.
  public var muonRate: Double?
  /// Muon's λ; nil: as AdamW's.
  public var muonDecay: Double?
  /// Muon's μ, after its warm-up.
  public var muonMomentum = 0.95
  /// Muon's μ at the start.
  public var muonMomentumStart = 0.85
  /// Updates until μ is what it stays.
  public var muonMomentumWarmup = 200
  /// Iterations by which a matrix is made orthogonal.
  public var muonIterations = 5
  /// What they apply to it.
  public var muonSeries = OrthogonalSeries.polar
  /// The highest learning rate of tables that are only looked up; nil: as all others.
  public var embeddingRate: Double?
  /// The highest learning rate of the table that makes the logits; nil: as all others.
  public var outputRate: Double?
  /// Whether weight decay falls only on what the update makes smaller as well.
  public var isCautious = false
  /// How weight decay goes.
  public var decaySchedule = DecaySchedule.constant
  /// AdamW's ε.
  public var epsilon = 1e-8
  /// AdamW's λ, on matrices alone.
  public var weightDecay = 0.1
  /// AdamW's β₁.
  public var beta1 = 0.9
  /// AdamW's β₂.
  public var beta2 = 0.99
  /// Gradients longer than this are shortened to it; 0 is off.
  public var gradientClip = 1.0
  /// The share of elements that is dropped, in all places.
  public var dropout = 0.0
  /// Of weights, order and dropout.
  public var seed: UInt64 = 1337
  /// The part of the corpus, from its end, that is held out.
  public var validationFraction = 0.1
  /// Updates from one evaluation to the next.
  public var evaluateEvery = 250
  /// Tokens that an evaluation of a text takes at most; 0 is all that is held out, at most a million.
  public var evaluationTokens = 0
  /// Updates from one checkpoint to the next.
  public var saveEvery = 250
  /// Evaluations without a new best after which training ends; 0 is never.
  public var patience = 0
  /// What products are computed in.
  public var precision = Precision.fp32
  /// Whether each line of the corpus is a text of its own.
  public var lines = false
  /// Whether names of special tokens in the corpus are those tokens.
  public var allowsSpecial = false
  /// Weights of the last so many checkpoints that are averaged in the end.
  public var average = 1
  /// The probability that targets give to all tokens alike (Szegedy et al. 2016; Vaswani et al. 2017, §5.4).
  public var labelSmoothing = 0.0
  /// For sentence pairs: the most tokens of a batch on each side, padding counted; it takes the place of `batchSize`.
  public var batchTokens = 4096
  /// For sentence pairs: α, the weight on how much two predictions differ that other dropped elements gave (R-Drop, Liang
  /// et al. 2021, arXiv:2106.14448); 0 makes one prediction.
  public var consistency = 0.0
  /// For sentence pairs: the part of the updates, from the first on, in which every second batch is translated backwards
  /// (Ding et al. 2021, arXiv:2109.07780).
  public var bothWays = 0.0
  /// For sentence pairs: the probability of leaving out a merge where words are cut, each time anew (BPE-dropout,
  /// Provilkov et al. 2020, arXiv:1910.13267).
  public var mergeDropout = 0.0
  /// For sentence pairs: what makes an evaluation the best.
  public var bestBy = BestBy.loss

  /// The values of nanoGPT's recipe for a CPU.
  public init() {}

  /// Which value is impossible, in words; nil where all are possible.
  public func validate() throws(TrainingConfigurationError) {
    for field in Self.fields where !field.isInRange(self) {
      throw TrainingConfigurationError(name: field.name, expected: field.range.expected)
    }
  }
}

extension ScheduleKind: FieldValue {}
extension OptimizerKind: FieldValue {}
extension DecaySchedule: FieldValue {}
extension OrthogonalSeries: FieldValue {}
extension BestBy: FieldValue {}
extension DataOrder: FieldValue {}
extension Precision: FieldValue {}

extension TrainingConfiguration: Configurable {
  package static let fields: [Field<Self>] = [
    Field(
      "steps", "max-iters", "max-steps", at: \.steps, in: .integers(0...1 << 31), traits: .mayChange,
      flag: Flag(.training, .integer(1...1_000_000_000), else: "recipe", "updates of the weights")),
    Field(
      "batch-size", at: \.batchSize, in: .integers(1...1 << 20), traits: .texts,
      flag: Flag(.training, .integer(1...65_536), else: "recipe", "windows that are computed together")),
    Field(
      "order", at: \.order, traits: [.texts, .sparse],
      flag: Flag(
        .training, .choice, else: "recipe",
        "windows anywhere in the text, or blocks: each of them once an epoch, cut and shuffled anew")),
    Field(
      "batch-tokens", at: \.batchTokens, traits: [.optional, .pairs],
      flag: Flag(
        .translation, .integer(1...16_777_216), else: "recipe", "tokens of a batch, on each side, padding counted")),
    Field(
      "grad-accum", "gradient-accumulation-steps", at: \.gradientAccumulation,
      flag: Flag(.training, .integer(1...65_536), else: "1", "batches of an update")),
    Field(
      "lr", "learning-rate", at: \.learningRate, in: .nonNegative,
      flag: Flag(.training, .number(above: 0, upTo: 1e30), else: "recipe", "highest learning rate")),
    Field(
      "min-lr", at: \.minimumLearningRate, in: .nonNegative,
      flag: Flag(.training, .number(0...1e30), else: "recipe", "learning rate at the end")),
    Field(
      "warmup", "warmup-iters", "warmup-steps", at: \.warmup, in: .integers(0...1 << 31),
      flag: Flag(.training, .integer(0...1_000_000_000), else: "recipe", "steps until the highest rate")),
    Field("schedule", at: \.schedule, flag: Flag(.training, .choice, else: "recipe", "how the rate falls")),
    Field(
      "cooldown", at: \.cooldown, traits: .sparse,
      flag: Flag(
        .training, .number(above: 0, upTo: 1), else: "0.6", "part of the steps in which a plateau's rate falls")
    ),
    Field(
      "optimizer", at: \.optimizer, traits: .sparse,
      flag: Flag(.training, .choice, else: "recipe", "of the matrices of products; all else is AdamW's")),
    Field(
      "muon-lr", at: \.muonRate, in: .nonNegative, traits: .sparse,
      flag: Flag(
        .training, ValueKind.number(above: 0, upTo: 1e30).optional, else: "as lr", "Muon's highest learning rate")),
    Field(
      "muon-decay", at: \.muonDecay, in: .nonNegative, traits: .sparse,
      flag: Flag(.training, ValueKind.number(0...1000).optional, else: "recipe", "Muon's weight decay")),
    Field(
      "muon-momentum", at: \.muonMomentum, traits: .sparse,
      flag: Flag(.training, .number(0, below: 1), else: "0.95", "memory of Muon's mean gradient")),
    Field(
      "muon-momentum-start", at: \.muonMomentumStart, traits: .sparse,
      flag: Flag(.training, .number(0, below: 1), else: "0.85", "the same at the start")),
    Field(
      "muon-momentum-warmup", at: \.muonMomentumWarmup, in: .integers(0...1 << 31), traits: .sparse,
      flag: Flag(.training, .integer(0...1_000_000_000), else: "200", "steps from the one to the other")),
    Field(
      "muon-iterations", at: \.muonIterations, in: .integers(1...100), traits: .sparse,
      flag: Flag(.training, .integer(1...100), else: "5", "by which Muon makes a matrix orthogonal")),
    Field(
      "muon-series", at: \.muonSeries, traits: .sparse,
      flag: Flag(
        .training, .choice, else: "polar", "the polynomials of the iterations: Jordan's fixed one, or Polar Express")),
    Field(
      "embedding-lr", at: \.embeddingRate, in: .nonNegative, traits: .sparse,
      flag: Flag(
        .training, ValueKind.number(above: 0, upTo: 1e30).optional, else: "recipe",
        "highest learning rate of tables that only look up")),
    Field(
      "output-lr", at: \.outputRate, in: .nonNegative, traits: .sparse,
      flag: Flag(
        .training, ValueKind.number(above: 0, upTo: 1e30).optional, else: "as lr",
        "highest learning rate of the table that makes the logits")),
    Field(
      "cautious-decay", at: \.isCautious, traits: .sparse,
      flag: Flag(
        .training, .onOff, else: "recipe", "whether weight decay falls only on what the update makes smaller as well")),
    Field(
      "decay-schedule", at: \.decaySchedule, traits: .sparse,
      flag: Flag(
        .training, .choice, else: "recipe",
        "how weight decay goes: with the rate alone, or rising and falling as the rate does besides")),
    Field(
      "epsilon", at: \.epsilon, in: .nonNegative, traits: .sparse,
      flag: Flag(.training, .number(above: 0, upTo: 1), else: "recipe", "what AdamW adds to its root")),
    Field(
      "weight-decay", at: \.weightDecay, in: .nonNegative,
      flag: Flag(.training, .number(0...10), else: "recipe", "pull of the matrices towards zero")),
    Field(
      "beta1", at: \.beta1, flag: Flag(.training, .number(0, below: 1), else: "recipe", "memory of the mean gradient")),
    Field("beta2", at: \.beta2, flag: Flag(.training, .number(0, below: 1), else: "recipe", "memory of its square")),
    Field(
      "grad-clip", at: \.gradientClip, in: .nonNegative,
      flag: Flag(.training, .number(0...1e30), else: "recipe", "longest gradient; 0 is any")),
    Field(
      "dropout", at: \.dropout,
      flag: Flag(.training, .number(0, below: 1), else: "recipe", "part of the values left out by chance")),
    Field(
      "label-smoothing", at: \.labelSmoothing, traits: .optional,
      flag: Flag(
        .training, .number(0, below: 1), else: "0 for texts, 0.1 for pairs",
        "probability that targets give to all tokens alike")),
    Field(
      "consistency", at: \.consistency, in: .nonNegative, traits: [.pairs, .sparse],
      flag: Flag(
        .translation, .number(0...1000), else: "0",
        "R-Drop's weight on how much two predictions with dropout differ; a batch then holds half as many pairs")),
    Field(
      "both-ways", at: \.bothWays, in: .nonNegative, traits: [.pairs, .sparse],
      flag: Flag(
        .translation, .number(0...1), else: "0", "part of the steps in which every second batch is translated backwards"
      )),
    Field(
      "bpe-dropout", at: \.mergeDropout, in: .nonNegative, traits: [.pairs, .sparse],
      flag: Flag(
        .translation, .number(0, below: 1), else: "0",
        "probability of leaving out a merge where words are cut, each time anew")),
    Field(
      "average", at: \.average, traits: .optional,
      flag: Flag(
        .training, .integer(1...1000), else: "1", "weights of the last N checkpoints that are averaged in the end")),
    Field(
      "seed", at: \.seed, flag: Flag(.running, .seed, else: "drawn, and printed", "of all chance: same seed, same bits")
    ),
    Field(
      "val-fraction", at: \.validationFraction,
      flag: Flag(.validation, .number(0, below: 1), else: "0.1", "end of the text held out")),
    Field(
      "eval-every", "eval-interval", at: \.evaluateEvery, in: .integers(1...1 << 31), traits: .mayChange,
      flag: Flag(.validation, .integer(1...1_000_000_000), else: "recipe", "steps between evaluations")),
    Field(
      "eval-tokens", at: \.evaluationTokens, traits: [.texts, .sparse],
      flag: Flag(
        .validation, .integer(0...1_000_000_000), else: "all that is held out, at most a million",
        "tokens that an evaluation takes; 0 is all")),
    Field(
      "save-every", at: \.saveEvery, in: .integers(1...1 << 31), traits: .mayChange,
      flag: Flag(.validation, .integer(1...1_000_000_000), else: "as eval-every", "steps between checkpoints")),
    Field(
      "patience", at: \.patience, in: .integers(0...1 << 31), traits: .mayChange,
      flag: Flag(
        .validation, .integer(1...1_000_000), else: "never stops",
        "evaluations without a better one before it stops")),
    Field(
      "best-by", at: \.bestBy, traits: [.optional, .pairs],
      flag: Flag(.translation, .choice, else: "loss", "what makes an evaluation the best")),
    // Its flag says `auto` too, which is settled before there is a configuration.
    Field("precision", at: \.precision),
    Field(
      "lines", at: \.lines, traits: .texts, flag: Flag(.files, .toggle, "each line of the corpus is a text of its own")),
    Field(
      "allow-special", at: \.allowsSpecial, traits: [.texts, .sparse],
      flag: Flag(.files, .toggle, "names of special tokens in the corpus, such as <|endoftext|>, are those tokens")),
  ]
}

/// A value of a training that is impossible.
public struct TrainingConfigurationError: Error, Equatable, CustomStringConvertible {
  let name: String
  let expected: String

  package init(name: String, expected: String) {
    self.name = name
    self.expected = expected
  }

  /// The error in one line.
  public var description: String { "impossible value for \(name): expected \(expected)" }
}
