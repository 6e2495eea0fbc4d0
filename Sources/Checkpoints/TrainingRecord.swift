package import MiniGPTStorage

/// What a checkpoint knows of the training that made it: plain values, each a function of flags, corpus and step, so
/// that a run that was stopped and resumed leaves the same bytes as one that was not.
public struct TrainingRecord: Equatable, Sendable {
  /// One evaluation of the held-out part.
  public struct Evaluation: Equatable, Sendable {
    /// Updates done before it.
    public let step: Int
    /// Nats a token.
    public let loss: Double
    /// Bits a byte of text, over the whole held-out part.
    public let bitsPerByte: Double
    /// BLEU of the held-out pairs, where they were translated.
    public let bleu: Double?

    package init(step: Int, loss: Double, bitsPerByte: Double, bleu: Double? = nil) {
      self.step = step
      self.loss = loss
      self.bitsPerByte = bitsPerByte
      self.bleu = bleu
    }

    /// Whether it is better than another, by what counts.
    package func isBetter(than other: Evaluation, by: BestBy) -> Bool {
      if by == .bleu, let bleu, let least = other.bleu { return bleu > least }
      return loss < other.loss
    }
  }

  /// What the training was asked to do.
  public var configuration: TrainingConfiguration
  /// Updates done.
  public var step = 0
  /// XXH64 of the corpus.
  public var corpusFingerprint: UInt64
  /// Of the held-out file, where it is one of its own.
  public var validationFingerprint: UInt64?
  /// XXH64 of the weights that it began with, where those were another model's.
  public var initialWeights: UInt64?
  /// Where a resumed run got other steps: the step, and how many there should have been until then.
  public private(set) var extensions: [Int] = []
  /// Whether its tokenizer was there before.
  public var isTokenizerGiven = false
  /// Whether the text looked like verse.
  public var isVerse = false
  /// The kernels that made the bits.
  public var instructionSet: String
  /// Loss and gradient norm of the last update.
  public var lastLoss = 0.0
  /// Length of the gradient of the last update, before clipping.
  public var lastGradientNorm = 0.0
  /// The best evaluation, by loss or by BLEU.
  public var best: Evaluation?
  /// Evaluations since the best one.
  public var evaluationsSinceBest = 0
  /// The evaluations, thinned to `evaluationLimit`; the last one is always there.
  public private(set) var evaluations: [Evaluation] = []
  /// Evaluations so far, those thinned out included.
  public private(set) var evaluationCount = 0

  /// Steps whose weights were kept for the average, oldest first, and the last one before them.
  public private(set) var kept: [Int] = []

  package static let evaluationLimit = 1000

  package init(configuration: TrainingConfiguration, corpusFingerprint: UInt64, instructionSet: String) {
    self.configuration = configuration
    self.corpusFingerprint = corpusFingerprint
    self.instructionSet = instructionSet
  }

  /// Adds an evaluation; gives whether it is the best so far.
  package mutating func add(_ evaluation: Evaluation) -> Bool {
    evaluations.append(evaluation)
    evaluationCount += 1
    if evaluations.count > Self.evaluationLimit {
      // Every second point goes, the last one stays.
      evaluations = evaluations.enumerated().filter { ($0.offset + evaluations.count) % 2 == 1 }.map(\.element)
    }
    let isBest = best.map { evaluation.isBetter(than: $0, by: configuration.bestBy) } ?? true
    if isBest { best = evaluation }
    evaluationsSinceBest = isBest ? 0 : evaluationsSinceBest + 1
    return isBest
  }

  /// Notes that the weights of this step are kept; one more than is averaged is remembered, so that its removal can be
  /// made up for.
  package mutating func keep() {
    kept = (kept.filter { $0 < step } + [step]).suffix(configuration.average + 1)
  }

  /// Takes the configuration of a run that goes on; no single command repeats one whose schedule was changed on the way.
  package mutating func goOn(with configuration: TrainingConfiguration) {
    let isScheduled = [.cosine, .linear, .plateau].contains(configuration.schedule)
    if isScheduled, step > 0, self.configuration.steps != configuration.steps {
      extensions += [step, self.configuration.steps]
    }
    self.configuration = configuration
  }

  /// Changes how many updates there will be.
  ///
  /// - Parameter isRateFalling: whether the learning rates before were other ones than they would have been with as many.
  package mutating func changeSteps(to steps: Int, isRateFalling: Bool) {
    if isRateFalling { extensions += [step, configuration.steps] }
    configuration.steps = steps
  }

  /// Steps whose weights are averaged.
  package var averaged: [Int] { kept.suffix(configuration.average) }

  /// Whether the evaluation of this step is done.
  package var isEvaluated: Bool { evaluations.last?.step == step }
}

extension TrainingRecord: Configurable {
  package static let fields: [Field<Self>] = [
    Field("step", at: \.step, in: .integers(0...1 << 31)), Field("configuration", at: \.configuration),
    Field("corpus", at: \.corpusFingerprint), Field("validation", at: \.validationFingerprint),
    Field("instruction-set", at: \.instructionSet), Field("loss", at: \.lastLoss),
    Field("grad-norm", at: \.lastGradientNorm), Field("best", at: \.best),
    Field("evaluations-since-best", at: \.evaluationsSinceBest, in: .integers(0...Int.max)),
    Field("evaluation-count", at: \.evaluationCount, in: .integers(0...Int.max)),
    Field("evaluations", at: \.evaluations), Field("verse", at: \.isVerse, traits: .sparse),
    Field("init", at: \.initialWeights, traits: .sparse),
    Field("extensions", at: \.extensions, traits: .sparse),
    Field("tokenizer-given", at: \.isTokenizerGiven, traits: .sparse), Field("kept", at: \.kept, traits: .sparse),
  ]

  package init() { self.init(configuration: TrainingConfiguration(), corpusFingerprint: 0, instructionSet: "") }

  package init(_ object: JSONField) throws(JSONError) {
    try self.init(fields: object)
    for field in Self.fields where !field.isInRange(self) {
      throw try object.field(field.key.text).outside(field.range.expected, field.value(of: self).text)
    }
    for (name, count, most) in [
      ("evaluations", evaluations.count, Self.evaluationLimit), ("kept", kept.count, configuration.average + 1),
    ] where count > most { throw try object.field(name).outside("at most \(most)", "\(count)") }
    if let step = kept.first(where: { !(0...1 << 31).contains($0) }) {
      throw try object.field("kept").outside("steps", "\(step)")
    }
  }
}

extension TrainingRecord.Evaluation: FieldValue {
  package var json: JSON { .array([JSON(step), JSON(loss), JSON(bitsPerByte)] + (bleu.map { [JSON($0)] } ?? [])) }

  package init(json field: JSONField) throws(JSONError) {
    let parts = try field.array()
    if parts.count != 3 && parts.count != 4 { throw field.outside("three numbers, or four", "\(parts.count)") }
    self.init(
      step: try parts[0].integer(in: 0...Int.max), loss: try parts[1].double(), bitsPerByte: try parts[2].double(),
      bleu: parts.count == 4 ? try parts[3].double() : nil)
  }
}

extension TrainingConfiguration: FieldValue {
  package init(json field: JSONField) throws(JSONError) {
    try self.init(fields: field)
    do { try validate() } catch { throw field.outside("possible values", "\(error)") }
  }
}
