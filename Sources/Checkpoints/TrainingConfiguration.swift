public import MiniGPTTensors

/// How the learning rate goes after its warm-up.
public enum ScheduleKind: String, CaseIterable, Sendable {
  case cosine, linear, constant
  case inverseSquareRoot = "inverse-sqrt"
}

/// What makes an evaluation the best.
public enum BestBy: String, CaseIterable, Sendable {
  /// The lowest loss.
  case loss
  /// The highest BLEU of the held-out pairs, translated.
  case bleu
}

/// All that decides a training run besides the model's shape and the corpus. Equal values give equal bits.
public struct TrainingConfiguration: Equatable, Sendable {
  /// Updates in all.
  public var steps = 2000
  /// Windows in a batch.
  public var batchSize = 12
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
  /// Updates from one checkpoint to the next.
  public var saveEvery = 250
  /// Evaluations without a new best after which training ends; 0 is never.
  public var patience = 0
  /// What products are computed in.
  public var precision = Precision.fp32
  /// Whether each line of the corpus is a text of its own.
  public var lines = false
  /// Weights of the last so many checkpoints that are averaged in the end.
  public var average = 1
  /// The probability that targets give to all tokens alike (Szegedy et al. 2016; Vaswani et al. 2017, §5.4).
  public var labelSmoothing = 0.0
  /// For sentence pairs: the most tokens of a batch on each side, padding counted; it takes the place of `batchSize`.
  public var batchTokens = 4096
  /// For sentence pairs: what makes an evaluation the best.
  public var bestBy = BestBy.loss

  /// The values of nanoGPT's recipe for a CPU.
  public init() {}

  /// Which value is impossible, in words; nil where all are possible.
  public func validate() throws(TrainingConfigurationError) {
    func need(_ name: String, _ isPossible: Bool, _ expected: String) throws(TrainingConfigurationError) {
      if !isPossible { throw TrainingConfigurationError(name: name, expected: expected) }
    }
    try need("steps", (0...1 << 31).contains(steps), "0 to 2147483648")
    try need("batch-size", (1...1 << 20).contains(batchSize), "1 to 1048576")
    try need("grad-accum", (1...1 << 16).contains(gradientAccumulation), "1 to 65536")
    try need("lr", learningRate >= 0 && learningRate.isFinite, "a number that is at least 0")
    try need("min-lr", minimumLearningRate >= 0 && minimumLearningRate.isFinite, "a number that is at least 0")
    try need("warmup", (0...1 << 31).contains(warmup), "0 to 2147483648")
    try need("weight-decay", weightDecay >= 0 && weightDecay.isFinite, "a number that is at least 0")
    try need("beta1", beta1 >= 0 && beta1 < 1, "at least 0 and below 1")
    try need("beta2", beta2 >= 0 && beta2 < 1, "at least 0 and below 1")
    try need("grad-clip", gradientClip >= 0 && gradientClip.isFinite, "a number that is at least 0")
    try need("dropout", dropout >= 0 && dropout < 1, "at least 0 and below 1")
    try need("val-fraction", validationFraction >= 0 && validationFraction < 1, "at least 0 and below 1")
    try need("eval-every", (1...1 << 31).contains(evaluateEvery), "1 to 2147483648")
    try need("save-every", (1...1 << 31).contains(saveEvery), "1 to 2147483648")
    try need("average", (1...1000).contains(average), "1 to 1000")
    try need("label-smoothing", labelSmoothing >= 0 && labelSmoothing < 1, "at least 0 and below 1")
    try need("batch-tokens", (1...1 << 24).contains(batchTokens), "1 to 16777216")
    try need("patience", (0...1 << 31).contains(patience), "0 to 2147483648")
  }
}

/// A value of a training that is impossible.
public struct TrainingConfigurationError: Error, Equatable, CustomStringConvertible {
  let name: String
  let expected: String

  /// The error in one line.
  public var description: String { "impossible value for \(name): expected \(expected)" }
}
