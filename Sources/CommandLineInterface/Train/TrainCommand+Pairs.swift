internal import MiniGPT

// Translation instead of a language model: the flags of `train --pairs`.
extension Section<TrainCommand> {
  static let pairs = Section(
    "Translation",
    [
      .list(
        "pairs", in: \.pairs, .file(), else: "none",
        "learn to translate: lines of source TAB target, instead of a CORPUS"),
      .optional(
        "valid-pairs", in: \.validationPairs, .file(), else: "a part of the pairs", "pairs of their own to validate on"),
      .optional(
        "batch-tokens", in: \.batchTokens, .integer(1...16_777_216), else: "recipe",
        "tokens of a batch, on each side, padding counted"),
      .optional("best-by", in: \.bestBy, .choice, else: "loss", "what makes an evaluation the best"),
    ])
}

extension TrainCommand {
  /// What the flags alone show to be wrong about pairs, and about pairs and texts together.
  func validatePairs() throws {
    let preset = preset.flatMap { Preset.named($0) }
    if pairs.isEmpty {
      if corpora.isEmpty { throw UsageError.wordMissing(command: Self.name, what: Self.words.what) }
      for option in Section<TrainCommand>.pairs.options where !option.show(self).isEmpty {
        throw UsageError.contradiction("\(option.flag) is for translation: give --pairs FILE in place of a CORPUS")
      }
      if let preset, preset.isForPairs {
        throw UsageError.contradiction("--preset \(preset.name) is for translation: give --pairs FILE")
      }
      return
    }
    if let corpus = corpora.first {
      throw UsageError.contradiction("--pairs takes the place of a CORPUS, and \(quoted(corpus)) is one")
    }
    for name in ["lines", "batch-size", "val"] {
      for option in Self.options where option.name == name && !option.show(self).isEmpty {
        throw UsageError.contradiction("\(option.flag) is for texts, and --pairs are sentences")
      }
    }
    if let preset, !preset.isForPairs {
      throw UsageError.contradiction("--preset \(preset.name) is for texts, and --pairs are sentences")
    }
    if validationPairs != nil && validationFraction != nil {
      throw UsageError.contradiction("--valid-pairs and --val-fraction both say what is held out: give one")
    }
    if let tokenizer, ["char", "byte"].contains(String(decoding: tokenizer, as: UTF8.self)) {
      throw UsageError.contradiction("--pairs need byte pairs: --tokenizer bpe, or the file of a translator")
    }
  }

  /// Gives a value to every flag that has none: the recipe for so many pairs.
  mutating func complete(forPairs count: Int) {
    let typedSteps = steps, isWarmupGiven = warmup != nil
    PairsRecipe.preset(forPairs: count).fill(&self)
    if minimumLearningRate == nil {
      minimumLearningRate = schedule == .inverseSquareRoot ? 0 : (learningRate ?? 0) / 10
    }
    if let typedSteps, !isWarmupGiven { warmup = min(warmup ?? 0, typedSteps / 10) }
    if saveEvery == nil { saveEvery = evaluateEvery }
  }
}

// The values of a run, as `TrainCommand+Values.swift` has them for texts.
extension TrainCommand {
  /// The shape, but for the vocabulary, which the tokenizer has. All values must be complete.
  func translatorShape() -> TranslatorConfiguration {
    TranslatorConfiguration(
      vocabularySize: vocabularySize ?? 259, context: context ?? 0, encoderLayers: layers ?? 0,
      decoderLayers: layers ?? 0, heads: heads ?? 0, width: width ?? 0, feedForwardWidth: feedForwardWidth,
      positions: positions ?? .sinusoidal, norm: norm ?? .post, activation: activation ?? .relu)
  }

  /// The values of a run that is resumed, where no flag gives others.
  mutating func complete(from checkpoint: TranslatorCheckpoint, _ record: TrainingRecord) {
    takeShape(checkpoint.configuration, layers: checkpoint.configuration.decoderLayers)
    batchTokens = batchTokens ?? record.configuration.batchTokens
    bestBy = bestBy ?? record.configuration.bestBy
    complete(from: record)
  }

  /// The command that trains such a translator again.
  init(recalling checkpoint: TranslatorCheckpoint) throws {
    self.init()
    guard let record = checkpoint.record else { throw CheckpointError.noRecord(checkpoint.path) }
    complete(from: checkpoint, record)
    batchSize = nil
    let known = try checkpoint.tokenizer()
    vocabularySize = known.vocabularySize
    split = (known as? BytePairTokenizer)?.splitter
    pairs = [Array("PAIRS".utf8)]
    if record.validationFingerprint != nil {
      validationPairs = Array("VALID-PAIRS".utf8)
      validationFraction = nil
    }
  }
}
