package import MiniGPTCheckpoints
package import MiniGPTTokenization
internal import MiniGPTTransformer

internal import MiniGPTStorage
internal import MiniGPTTensors

/// Compares what a checkpoint was made with and what is given to go on with it.
package struct ResumeCheck<Model: CheckpointModel> {
  package let checkpoint: ModelCheckpoint<Model>
  package let given: TrainingRecord
  package let shape: Model.Configuration
  package let tokenizer: any Tokenizer
  /// What messages call the corpus that is given.
  package let corpusName: String

  package init(
    checkpoint: ModelCheckpoint<Model>, given: TrainingRecord, shape: Model.Configuration, tokenizer: any Tokenizer,
    corpusName: String = "the corpus"
  ) {
    self.checkpoint = checkpoint
    self.given = given
    self.shape = shape
    self.tokenizer = tokenizer
    self.corpusName = corpusName
  }

  /// Throws the first difference that cannot be resumed over.
  package func run() throws {
    guard let record = checkpoint.record else { throw CheckpointError.noRecord(checkpoint.path) }
    if record.corpusFingerprint != given.corpusFingerprint {
      throw differs(
        "corpus", "the text with the fingerprint \(hexadecimal16(record.corpusFingerprint))",
        "\(corpusName) with \(hexadecimal16(given.corpusFingerprint))")
    }
    if record.validationFingerprint != given.validationFingerprint {
      func name(_ fingerprint: UInt64?) -> String { fingerprint.map { hexadecimal16($0) } ?? "the corpus's own end" }
      throw differs("held-out text", name(record.validationFingerprint), name(given.validationFingerprint))
    }
    try ShapeComparison(checkpoint.configuration, shape).run(differs)
    try compareConfigurations(record.configuration, given.configuration)
    if TokenizerJSON.text(try checkpoint.tokenizer()) != TokenizerJSON.text(tokenizer) {
      throw differs(
        "tokenizer", "one of kind \(try checkpoint.tokenizer().kind.rawValue) of its own",
        "another of kind \(tokenizer.kind.rawValue)")
    }
  }

  private func compareConfigurations(
    _ old: TrainingConfiguration, _ new: TrainingConfiguration
  ) throws(TrainingError) {
    try compare("batch-size", old.batchSize, new.batchSize)
    try compare("batch-tokens", old.batchTokens, new.batchTokens)
    try compare("label-smoothing", old.labelSmoothing, new.labelSmoothing)
    try compare("average", old.average, new.average)
    try compare("best-by", old.bestBy.rawValue, new.bestBy.rawValue)
    try compare("grad-accum", old.gradientAccumulation, new.gradientAccumulation)
    try compare("lr", old.learningRate, new.learningRate)
    try compare("min-lr", old.minimumLearningRate, new.minimumLearningRate)
    try compare("warmup", old.warmup, new.warmup)
    try compare("schedule", old.schedule.rawValue, new.schedule.rawValue)
    try compare("weight-decay", old.weightDecay, new.weightDecay)
    try compare("beta1", old.beta1, new.beta1)
    try compare("beta2", old.beta2, new.beta2)
    try compare("grad-clip", old.gradientClip, new.gradientClip)
    try compare("dropout", old.dropout, new.dropout)
    try compare("seed", old.seed, new.seed)
    try compare("val-fraction", old.validationFraction, new.validationFraction)
    try compare("precision", old.precision.rawValue, new.precision.rawValue)
    try compare("lines", old.lines, new.lines)
  }

  private func compare<Value: Equatable>(_ what: String, _ old: Value, _ new: Value) throws(TrainingError) {
    if old != new { throw differs(what, "\(old)", "\(new)") }
  }

  private func differs(_ what: String, _ old: String, _ new: String) -> TrainingError {
    .differs(path: "\(checkpoint.path)", what: what, checkpoint: old, given: new)
  }
}

/// What is given besides a checkpoint must have its shape.
struct ShapeComparison<Configuration: ModelConfiguration> {
  private let old: Configuration
  private let new: Configuration

  init(_ old: Configuration, _ new: Configuration) {
    self.old = old
    self.new = new
  }

  /// Throws what the first difference gives: its name and both values.
  func run(_ error: (_ what: String, _ old: String, _ new: String) -> TrainingError) throws(TrainingError) {
    for (old, new) in zip(old.flags, new.flags) where old.value != new.value {
      throw error(old.name, old.value, new.value)
    }
  }
}
