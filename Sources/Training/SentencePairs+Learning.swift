package import MiniGPTCheckpoints
public import MiniGPTDatasets
package import MiniGPTParallel
package import MiniGPTStorage
package import MiniGPTTokenization
public import MiniGPTTransformer

extension SentencePairs: TrainingMaterial {
  /// A translator's.
  public typealias Shape = TranslatorConfiguration
}

/// Trains a translator.
package typealias TranslatorTrainer = Trainer<EncoderDecoder, PairSource>

extension SentencePairs: LearnableMaterial {
  package typealias Model = EncoderDecoder
  package typealias Source = PairSource

  package struct Split {
    /// Numbers of pairs of the material, and of those that are held out.
    let training: [Int32]
    package let heldOut: (pairs: SentencePairs, numbers: [Int32])
  }

  package struct Encoded {
    package let training: EncodedPairs
    /// Nil where no pair is held out.
    package let validation: EncodedPairs?
    /// Where words are cut in another way each time.
    let variation: PairVariation?
  }

  /// The most pairs that are held out.
  package static let mostValidationPairs = 10_000

  package var corpusFiles: TextCorpus { corpus }
  package var isVerse: Bool { false }

  package static func leastVocabulary(of tokenizer: TokenizerChoice) -> Int {
    switch tokenizer {
    case .given(let tokenizer): tokenizer.vocabularySize
    case .bytePairs, .characters, .bytes: 259
    }
  }

  package static func leastCapacity(
    _ shape: TranslatorConfiguration, _ configuration: TrainingConfiguration
  ) -> SentenceBatch.Capacity {
    SentenceBatch.Capacity(pairs: 1, sourceRows: configuration.batchTokens, targetRows: configuration.batchTokens)
  }

  package func split(validation: SentencePairs?, _ configuration: TrainingConfiguration) -> Split {
    if let validation {
      return Split(
        training: Array(0..<Int32(count)), heldOut: (validation, Array(0..<Int32(validation.count))))
    }
    let (kept, heldOut) = split(holdingOut: configuration.validationFraction, most: Self.mostValidationPairs)
    return Split(training: kept, heldOut: (self, heldOut))
  }

  package func makeTokenizer(
    _ choice: TokenizerChoice, _ split: Split, _ validation: SentencePairs?, _ configuration: TrainingConfiguration,
    _ pool: WorkerPool, progress: (BPETrainer.Progress) -> Void
  ) throws -> any Tokenizer {
    switch choice {
    case .given(let tokenizer):
      let ends = tokenizer.id(of: SpecialToken.endOfSentence) == TranslatorConfiguration.endOfSentence
      if !ends || tokenizer.id(of: SpecialToken.padding) != Int32(tokenizer.vocabularySize - 1) {
        throw TrainingError.notForTranslation(tokenizer.kind.rawValue)
      }
      return tokenizer
    case .characters: throw TrainingError.notForTranslation(TokenizerKind.char.rawValue)
    case .bytes: throw TrainingError.notForTranslation(TokenizerKind.byte.rawValue)
    case .bytePairs(let size, let splitter):
      var trainer = BPETrainer(vocabularySize: size)
      trainer.splitter = splitter
      trainer.layout = .translation
      let texts = split.training.flatMap { number in
        let (source, target) = self.texts(Int(number))
        return [source, target]
      }
      return try trainer.train(texts, pool: pool, progress: progress)
    }
  }

  package func encode(
    _ split: Split, _ encoding: MaterialEncoding, progress: (_ done: Int, _ of: Int) -> Void
  ) throws -> Encoded {
    let all = count
    func encode(_ pairs: SentencePairs, _ numbers: [Int32]) throws -> EncodedPairs {
      try EncodedPairs.encode(
        pairs, numbers, encoding.tokenizer, places: encoding.context, pool: encoding.pool, folder: encoding.folder
      ) { progress($0, all) }
    }
    let (heldOutPairs, heldOut) = split.heldOut
    let training = try encode(self, split.training)
    return Encoded(
      training: training, validation: heldOut.isEmpty ? nil : try encode(heldOutPairs, heldOut),
      variation: try variation(of: training, encoding))
  }

  private func variation(of training: EncodedPairs, _ encoding: MaterialEncoding) throws(TrainingError)
    -> PairVariation?
  {
    let c = encoding.configuration
    if c.mergeDropout == 0 { return nil }
    guard let tokenizer = encoding.tokenizer as? BytePairTokenizer else {
      throw .notForTranslation(encoding.tokenizer.kind.rawValue)
    }
    return PairVariation(
      self, training, tokenizer, probability: c.mergeDropout, places: encoding.context, seed: c.seed)
  }

  /// Pairs are few: they are encoded each time.
  package func kept(
    in file: Path, _ choice: TokenizerChoice, madeFrom texts: String, _ configuration: TrainingConfiguration
  ) -> (tokenizer: any Tokenizer, encoded: Encoded)? { nil }

  package func keep(
    _ encoded: Encoded, _ tokenizer: any Tokenizer, in file: Path, _ choice: TokenizerChoice, madeFrom texts: String,
    _ configuration: TrainingConfiguration
  ) throws -> Encoded { encoded }

  package static func size(
    of encoded: Encoded, _ configuration: TrainingConfiguration, context: Int
  ) -> (all: Double, perUpdate: Double) {
    if encoded.training.count == 0 { return (0, 1) }
    return (
      Double(PairBatches(encoded.training, configuration).batches.count), Double(configuration.gradientAccumulation)
    )
  }

  package static func source(
    _ encoded: Encoded, _ shape: TranslatorConfiguration, _ configuration: TrainingConfiguration, _ name: String
  ) throws -> PairSource {
    let pairs = encoded.training
    if pairs.count == 0 { throw DatasetError.noPairs(name, first: pairs.skipped.first.first) }
    return PairSource(
      PairBatches(pairs, configuration),
      heldOut: encoded.validation.flatMap { $0.count == 0 ? nil : $0 }
        .map { PairBatches($0, tokens: configuration.batchTokens, seed: nil) },
      turns: configuration.gradientAccumulation, padding: shape.padding,
      updatesBothWays: Int((configuration.bothWays * Double(configuration.steps)).rounded()),
      variation: encoded.variation)
  }
}

extension PairBatches {
  /// Those of a training: in an order that its seed decides, and twice where two predictions are compared.
  package init(_ pairs: EncodedPairs, _ configuration: TrainingConfiguration) {
    self.init(
      pairs, tokens: configuration.batchTokens, copies: configuration.consistency > 0 ? 2 : 1, seed: configuration.seed)
  }
}
