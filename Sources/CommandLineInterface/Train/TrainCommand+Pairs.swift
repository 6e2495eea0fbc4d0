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
    ] + TrainCommand.fields(.translation))
}

extension TrainCommand {
  /// What the flags alone show to be wrong about pairs, and about pairs and texts together.
  func validatePairs() throws {
    let preset = preset.flatMap { Preset.named($0) }
    if !isForPairs {
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
    let forTexts =
      TrainingConfiguration.fields.filter { $0.traits.contains(.texts) }.map(\.name) + ["val", "arch", "tied"]
    for option in Self.options where forTexts.contains(option.name) && !option.show(self).isEmpty {
      throw UsageError.contradiction("\(option.flag) is for texts, and --pairs are sentences")
    }
    if let preset, !preset.isForPairs {
      throw UsageError.contradiction("--preset \(preset.name) is for texts, and --pairs are sentences")
    }
    if validationPairs != nil && self[\.validationFraction] != nil {
      throw UsageError.contradiction("--valid-pairs and --val-fraction both say what is held out: give one")
    }
    if case .kind(let kind) = tokenizer, kind != .bpe {
      throw UsageError.contradiction("--pairs need byte pairs: --tokenizer bpe, or the file of a translator")
    }
  }
}

// The values of a run, as `TrainCommand+Values.swift` has them for texts.
extension TrainCommand {
  /// The shape, but for the vocabulary, which the tokenizer has. All values must be complete.
  func translatorShape() -> TranslatorConfiguration {
    let shape = shape()
    return TranslatorConfiguration(
      vocabularySize: vocabularySize ?? 259, context: shape.context, encoderLayers: shape.layers,
      decoderLayers: shape.layers, block: shape.block)
  }
}
