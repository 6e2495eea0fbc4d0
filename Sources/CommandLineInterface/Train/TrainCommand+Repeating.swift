internal import MiniGPT

// The command that repeats a run: of one that is about to begin, or of what a checkpoint knows.
extension TrainCommand {
  /// This run again, all of whose values are given, texts and pairs alike. Names that were typed are said as they were.
  func repeating<Model>(goneOnFrom checkpoint: ModelCheckpoint<Model>?) throws -> TrainCommand {
    var again = self
    if let checkpoint {
      try again.recall(checkpoint)
      // What is read is not written: a tokenizer that only the checkpoint has is taken from there, by a run beside it.
      if case .file(let name) = again.tokenizer, name == checkpoint.path.bytes {
        again.out = RunFiles(checkpoint.path).again.bytes
      }
    } else if initial != nil {
      again.forgetModel()
    }
    if !again.isBPE { again.vocabularySize = nil }
    return again
  }

  /// The command that trains such a language model again.
  init(recalling checkpoint: Checkpoint) throws {
    self.init()
    try complete(from: checkpoint)
  }

  /// The command that trains such a translator again.
  init(recalling checkpoint: TranslatorCheckpoint) throws {
    self.init()
    pairs = [Array("PAIRS".utf8)]
    try complete(from: checkpoint)
  }

  private mutating func complete<Model>(from checkpoint: ModelCheckpoint<Model>) throws
  where Model.Configuration: FlaggedShape {
    guard let record = checkpoint.record else { throw CheckpointError.noRecord(checkpoint.path) }
    complete(from: checkpoint.configuration, record)
    try recall(checkpoint)
  }

  /// How the model, its tokenizer and what was held out came about, as flags say it. No checkpoint holds the name of a
  /// file: a word in capitals stands for one that was not typed.
  private mutating func recall<Model>(_ checkpoint: ModelCheckpoint<Model>) throws {
    let record = checkpoint.record
    if record?.validationFingerprint != nil {
      self[\.validationFraction] = nil
      if isForPairs {
        validationPairs = validationPairs ?? Array("VALID-PAIRS".utf8)
      } else {
        validation = validation ?? Array("VAL".utf8)
      }
    }
    if record?.initialWeights != nil {
      forgetModel()
      initial = Array("MODEL".utf8)
      return
    }
    // Its tokenizer was not made of the corpus: the checkpoint has it.
    if record?.isTokenizerGiven == true {
      (vocabularySize, split) = (nil, nil)
      if case .file = tokenizer { return }
      tokenizer = .file(checkpoint.path.bytes)
      return
    }
    let known = try checkpoint.tokenizer()
    tokenizer = .kind(known.kind)
    if let pairs = known as? BytePairTokenizer {
      vocabularySize = pairs.vocabularySize
      split = pairs.splitter
    }
  }

  /// Takes back what a model that is there already decides.
  private mutating func forgetModel() {
    model = Settings()
    (tokenizer, vocabularySize, split) = (nil, nil, nil)
  }
}

extension TrainingRecord {
  /// Why no single command repeats the run exactly; nil where one does.
  ///
  /// - Parameter initial: the model that it began with, where its name is known.
  func whyNotRepeated(from initial: [UInt8]? = nil) -> String? {
    var reasons: [String] = []
    if initialWeights != nil, initial == nil {
      reasons.append("it began with the weights of a model (MODEL), whose name no checkpoint holds")
    }
    if !extensions.isEmpty {
      let changes = stride(from: 0, to: extensions.count - 1, by: 2).map { place in
        "at step \(grouped(extensions[place])) of \(grouped(extensions[place + 1]))"
      }
      reasons.append(
        "its steps were changed " + changes.joined(separator: " and ") + ", and with them the learning rate")
    }
    return reasons.isEmpty ? nil : reasons.joined(separator: "; ")
  }
}
