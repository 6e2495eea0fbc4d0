package import MiniGPTCheckpoints
package import MiniGPTTokenization
package import MiniGPTTransformer

internal import MiniGPTStorage
internal import MiniGPTTensors

/// Compares what a checkpoint was made with and what is given to go on with it.
package struct ResumeCheck<Model: TrainableModel> {
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
      throw differs("corpus", "another text", corpusName)
    }
    if record.validationFingerprint != given.validationFingerprint {
      func name(_ fingerprint: UInt64?) -> String { fingerprint.map { hexadecimal16($0) } ?? "the corpus's own end" }
      throw differs("held-out text", name(record.validationFingerprint), name(given.validationFingerprint))
    }
    if let (what, old, new) = checkpoint.configuration.firstDifference(shape)
      ?? record.configuration.firstDifference(given.configuration)
    {
      throw differs(what, old, new)
    }
    if TokenizerJSON.text(try checkpoint.tokenizer()) != TokenizerJSON.text(tokenizer) {
      throw differs(
        "tokenizer", "one of kind \(try checkpoint.tokenizer().kind.rawValue) of its own",
        "another of kind \(tokenizer.kind.rawValue)")
    }
  }

  private func differs(_ what: String, _ old: String, _ new: String) -> TrainingError {
    .differs(path: "\(checkpoint.path)", what: what, checkpoint: old, given: new)
  }
}
