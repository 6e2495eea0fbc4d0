import MiniGPTCheckpoints
import MiniGPTDatasets
import MiniGPTStorage
import MiniGPTTestSupport
import Testing
import MiniGPTTokenization
import MiniGPTTraining
import MiniGPTTransformer

@Suite struct ResumeCheckTests {
  let folder: Folder
  let checkpoint: Checkpoint
  let trainer: TextTrainer

  init() throws {
    folder = try Folder()
    trainer = try tinySetup(folder.write("corpus", verses(40))).prepare().trainer
    _ = try trainer.run(
      saveTo: folder.path("m"), bestPath: folder.path("best"), shouldStop: { true }, event: { _ in })
    checkpoint = try Checkpoint(folder.path("m"))
  }

  private func check(
    _ record: TrainingRecord, _ shape: GPTConfiguration? = nil, _ tokenizer: (any Tokenizer)? = nil
  ) throws {
    try ResumeCheck(
      checkpoint: checkpoint, given: record, shape: shape ?? trainer.model.configuration,
      tokenizer: tokenizer ?? trainer.tokenizer
    ).run()
  }

  private func expect(
    _ error: TrainingError?, _ what: String, _ old: String, _ new: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let path = folder.path("m")
    #expect(
      error == .differs(path: "\(path)", what: what, checkpoint: old, given: new), sourceLocation: sourceLocation)
    #expect(
      error?.description == "\(path): cannot be resumed: its \(what) is \(old), but \(new) is given",
      sourceLocation: sourceLocation)
  }

  @Test func whatIsEqualGoesOn() throws { try check(trainer.record) }

  /// Every value of a training and of a shape: what is fixed is refused by its name with both values.
  @Test func everyFieldIsCompared() throws {
    for field in TrainingConfiguration.fields {
      var record = trainer.record
      record.configuration = try field.changed(record.configuration)
      if !field.isFixed {
        try check(record)
        continue
      }
      expect(
        #expect(throws: TrainingError.self) { try check(record) }, field.name,
        field.value(of: trainer.record.configuration).text, field.value(of: record.configuration).text)
    }
    let shape = trainer.model.configuration
    for field in GPTConfiguration.fields {
      let other = try field.changed(shape)
      expect(
        #expect(throws: TrainingError.self) { try check(trainer.record, other) }, field.name,
        field.value(of: shape).text, field.value(of: other).text)
    }
  }

  @Test func lengthAndIntervalsMayChange() throws {
    var record = trainer.record
    record.configuration.steps = 99
    record.configuration.evaluateEvery = 7
    record.configuration.saveEvery = 3
    record.configuration.patience = 2
    try check(record)
  }

  @Test func namesWhatDiffers() throws {
    let cases: [(String, String, String, (inout TrainingConfiguration) -> Void)] = [
      ("batch-size", "3", "4", { $0.batchSize = 4 }), ("grad-accum", "2", "1", { $0.gradientAccumulation = 1 }),
      ("lr", "0.001", "0.01", { $0.learningRate = 0.01 }),
      ("min-lr", "0.0001", "0.0", { $0.minimumLearningRate = 0 }), ("warmup", "3", "0", { $0.warmup = 0 }),
      ("schedule", "cosine", "inverse-sqrt", { $0.schedule = .inverseSquareRoot }),
      ("weight-decay", "0.1", "0.2", { $0.weightDecay = 0.2 }), ("beta1", "0.9", "0.8", { $0.beta1 = 0.8 }),
      ("beta2", "0.99", "0.95", { $0.beta2 = 0.95 }), ("grad-clip", "1.0", "0.5", { $0.gradientClip = 0.5 }),
      ("dropout", "0.2", "0.1", { $0.dropout = 0.1 }), ("seed", "1337", "1", { $0.seed = 1 }),
      ("val-fraction", "0.1", "0.2", { $0.validationFraction = 0.2 }), ("lines", "false", "true", { $0.lines = true }),
    ]
    for (what, old, new, change) in cases {
      var record = trainer.record
      change(&record.configuration)
      expect(#expect(throws: TrainingError.self) { try check(record) }, what, old, new)
    }
  }

  @Test func namesWhatDiffersInShape() throws {
    let cases: [(String, String, String, (inout GPTConfiguration) -> Void)] = [
      ("vocab-size", "18", "30", { $0.vocabularySize = 30 }), ("context", "20", "21", { $0.context = 21 }),
      ("layers", "2", "3", { $0.layers = 3 }), ("heads", "2", "3", { $0.heads = 3 }),
      ("embd", "24", "26", { $0.width = 26 }), ("ffn", "40", "41", { $0.feedForwardWidth = 41 }),
      ("positions", "learned", "none", { $0.positions = .none }), ("norm", "pre", "post", { $0.norm = .post }),
      ("activation", "gelu", "relu", { $0.activation = .relu }),
    ]
    for (what, old, new, change) in cases {
      var shape = trainer.model.configuration
      #expect(shape.vocabularySize == 18)
      change(&shape)
      expect(#expect(throws: TrainingError.self) { try check(trainer.record, shape) }, what, old, new)
    }
  }

  @Test func namesTheCorpora() throws {
    var record = trainer.record
    record.corpusFingerprint = 0xABC
    expect(
      #expect(throws: TrainingError.self) { try check(record) }, "corpus", "another text", "the corpus")
    record = trainer.record
    record.validationFingerprint = 0xDEF
    expect(
      #expect(throws: TrainingError.self) { try check(record) }, "held-out text", "the corpus's own end",
      "0000000000000def")
  }

  @Test func namesTheTokenizers() throws {
    let other = try CharacterTokenizer(Array("ABCDEFGHIJKLMNOPQ".utf8))
    #expect(other.vocabularySize == 18)
    expect(
      #expect(throws: TrainingError.self) { try check(trainer.record, nil, other) }, "tokenizer",
      "one of kind char of its own", "another of kind char")
  }

  @Test func needsRecordAndMoments() throws {
    let path = folder.path("bare"), text = TokenizerJSON.text(trainer.tokenizer)
    try Checkpoint.write(
      path, trainer.model, tokenizer: text, record: nil, from: trainer.memory)
    let bare = try Checkpoint(path)
    #expect(throws: CheckpointError.self) { try trainer.resume(bare) }
    try Checkpoint.write(
      path, trainer.model, tokenizer: text, record: trainer.record, from: trainer.memory)
    let light = try Checkpoint(path)
    let error = #expect(throws: CheckpointError.self) { try trainer.resume(light) }
    #expect(error?.description.contains("no optimizer state") == true)
    try trainer.initialize(light)
  }
}
