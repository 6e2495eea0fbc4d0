package import MiniGPTStorage
internal import MiniGPTTensors

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

  /// Steps whose weights are averaged.
  package var averaged: [Int] { kept.suffix(configuration.average) }

  /// Whether the evaluation of this step is done.
  package var isEvaluated: Bool { evaluations.last?.step == step }
}

// The record as JSON. 64-bit numbers are hexadecimal text: not every reader of JSON keeps them.
extension TrainingRecord {
  package var json: JSON {
    let c = configuration
    func evaluationJSON(_ e: Evaluation) -> JSON {
      .array([JSON(e.step), JSON(e.loss), JSON(e.bitsPerByte)] + (e.bleu.map { [JSON($0)] } ?? []))
    }
    var json: JSONObject = [
      "step": JSON(step),
      "configuration": [
        "steps": JSON(c.steps), "batch_size": JSON(c.batchSize), "batch_tokens": JSON(c.batchTokens),
        "grad_accum": JSON(c.gradientAccumulation), "lr": JSON(c.learningRate), "min_lr": JSON(c.minimumLearningRate),
        "warmup": JSON(c.warmup), "schedule": JSON(c.schedule.rawValue), "weight_decay": JSON(c.weightDecay),
        "beta1": JSON(c.beta1), "beta2": JSON(c.beta2), "grad_clip": JSON(c.gradientClip), "dropout": JSON(c.dropout),
        "label_smoothing": JSON(c.labelSmoothing), "average": JSON(c.average), "seed": JSON(hexadecimal16(c.seed)),
        "val_fraction": JSON(c.validationFraction), "eval_every": JSON(c.evaluateEvery),
        "save_every": JSON(c.saveEvery), "patience": JSON(c.patience), "best_by": JSON(c.bestBy.rawValue),
        "precision": JSON(c.precision.rawValue), "lines": JSON(c.lines),
      ],
      "corpus": JSON(hexadecimal16(corpusFingerprint)),
      "validation": validationFingerprint.map { JSON(hexadecimal16($0)) } ?? nil,
      "instruction_set": JSON(instructionSet),
      "loss": JSON(lastLoss), "grad_norm": JSON(lastGradientNorm),
      "best": best.map(evaluationJSON) ?? nil,
      "evaluations_since_best": JSON(evaluationsSinceBest),
      "evaluation_count": JSON(evaluationCount),
      "evaluations": .array(evaluations.map(evaluationJSON)),
    ]
    if isVerse { json.append("verse", JSON(true)) }
    if let initialWeights { json.append("init", JSON(hexadecimal16(initialWeights))) }
    if !kept.isEmpty { json.append("kept", .array(kept.map { JSON($0) })) }
    return .object(json)
  }

  package init(_ field: JSONField) throws(JSONError) {
    func fingerprint(_ field: JSONField) throws(JSONError) -> UInt64 {
      guard let value = UInt64(try field.string(), radix: 16) else {
        throw field.outside("16 hexadecimal digits", try field.string())
      }
      return value
    }
    func evaluation(_ field: JSONField) throws(JSONError) -> Evaluation {
      let parts = try field.array()
      if parts.count != 3 && parts.count != 4 { throw field.outside("three numbers, or four", "\(parts.count)") }
      return Evaluation(
        step: try parts[0].integer(in: 0...Int.max), loss: try parts[1].double(), bitsPerByte: try parts[2].double(),
        bleu: parts.count == 4 ? try parts[3].double() : nil)
    }
    let c = try field.field("configuration")
    var configuration = TrainingConfiguration()
    configuration.steps = try c.field("steps").integer()
    configuration.batchSize = try c.field("batch_size").integer()
    if let field = try c.optionalField("batch_tokens") { configuration.batchTokens = try field.integer() }
    if let field = try c.optionalField("label_smoothing") { configuration.labelSmoothing = try field.double() }
    if let field = try c.optionalField("average") { configuration.average = try field.integer() }
    if let field = try c.optionalField("best_by") { configuration.bestBy = try field.choice(BestBy.self) }
    configuration.gradientAccumulation = try c.field("grad_accum").integer()
    configuration.learningRate = try c.field("lr").double()
    configuration.minimumLearningRate = try c.field("min_lr").double()
    configuration.warmup = try c.field("warmup").integer()
    configuration.schedule = try c.field("schedule").choice(ScheduleKind.self)
    configuration.weightDecay = try c.field("weight_decay").double()
    configuration.beta1 = try c.field("beta1").double()
    configuration.beta2 = try c.field("beta2").double()
    configuration.gradientClip = try c.field("grad_clip").double()
    configuration.dropout = try c.field("dropout").double()
    configuration.seed = try fingerprint(c.field("seed"))
    configuration.validationFraction = try c.field("val_fraction").double()
    configuration.evaluateEvery = try c.field("eval_every").integer()
    configuration.saveEvery = try c.field("save_every").integer()
    configuration.patience = try c.field("patience").integer()
    configuration.precision = try c.field("precision").choice(Precision.self)
    configuration.lines = try c.field("lines").bool()
    do { try configuration.validate() } catch { throw c.outside("possible values", "\(error)") }
    self.init(
      configuration: configuration, corpusFingerprint: try fingerprint(field.field("corpus")),
      instructionSet: try field.field("instruction_set").string())
    step = try field.field("step").integer(in: 0...1 << 31)
    let validation = try field.field("validation")
    validationFingerprint = validation.isNull ? nil : try fingerprint(validation)
    isVerse = try field.optionalField("verse")?.bool() ?? false
    initialWeights = try field.optionalField("init").map(fingerprint)
    lastLoss = try field.field("loss").double()
    lastGradientNorm = try field.field("grad_norm").double()
    let best = try field.field("best")
    self.best = best.isNull ? nil : try evaluation(best)
    evaluationsSinceBest = try field.field("evaluations_since_best").integer(in: 0...Int.max)
    evaluationCount = try field.field("evaluation_count").integer(in: 0...Int.max)
    let all = try field.field("evaluations").array()
    if all.count > Self.evaluationLimit {
      throw try field.field("evaluations").outside("at most \(Self.evaluationLimit)", "\(all.count)")
    }
    for item in all { evaluations.append(try evaluation(item)) }
    if let field = try field.optionalField("kept") {
      let steps = try field.array()
      if steps.count > configuration.average + 1 {
        throw field.outside("at most \(configuration.average + 1)", "\(steps.count)")
      }
      for item in steps { kept.append(try item.integer(in: 0...1 << 31)) }
    }
  }
}
