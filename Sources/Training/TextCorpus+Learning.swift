package import MiniGPTCheckpoints
public import MiniGPTDatasets
package import MiniGPTParallel
package import MiniGPTStorage
package import MiniGPTTokenization
public import MiniGPTTransformer

extension TextCorpus: TrainingMaterial {
  /// A GPT's.
  public typealias Shape = GPTConfiguration
}

/// Trains a language model.
package typealias TextTrainer = Trainer<GPT, TextWindows>

extension TextCorpus: LearnableMaterial {
  package typealias Model = GPT
  package typealias Source = TextWindows

  /// Texts, or the ids of texts that are there already.
  package struct Split {
    package var training: [Part] = []
    package var validation: [Part] = []
    var trainingTokens: TokenSequence?
    var validationTokens: TokenSequence?
  }

  /// The ids, and bytes that the held-out ones stand for.
  package struct Encoded {
    package let training: TokenSequence
    package let validation: TokenSequence
    package let validationBytes: Int
    /// Those of the first token, which is never predicted.
    package let firstTokenBytes: Int
  }

  /// The most tokens that are held out.
  package static let mostValidationTokens = 1_000_000

  package var corpusFiles: TextCorpus { self }

  package static func leastVocabulary(of tokenizer: TokenizerChoice) -> Int {
    switch tokenizer {
    case .given(let tokenizer): tokenizer.vocabularySize
    case .bytes, .bytePairs: 257
    case .characters: 2
    }
  }

  package static func leastCapacity(
    _ shape: GPTConfiguration, _ configuration: TrainingConfiguration
  ) -> TextBatch.Capacity {
    TextWindows.capacity(context: shape.context, batchSize: configuration.batchSize)
  }

  package func split(validation: TextCorpus?, _ configuration: TrainingConfiguration) -> Split {
    var split = Split()
    if let validation { split.validation = validation.parts }
    guard let tokens else {
      if validation == nil {
        // A token rarely stands for more than 8 bytes; what is too much is cut off when it is encoded.
        (split.training, split.validation) = self.split(
          holdingOut: configuration.validationFraction, most: 8 * Self.mostValidationTokens)
      } else {
        split.training = parts
      }
      return split
    }
    let kept = validation == nil ? Int(Double(tokens.count) * (1 - configuration.validationFraction)) : tokens.count
    split.trainingTokens = tokens.part(0..<kept)
    if validation == nil { split.validationTokens = tokens.part(kept..<tokens.count) }
    return split
  }

  package func makeTokenizer(
    _ choice: TokenizerChoice, _ split: Split, _ validation: TextCorpus?, _ configuration: TrainingConfiguration,
    _ pool: WorkerPool, progress: (BPETrainer.Progress) -> Void
  ) throws -> any Tokenizer {
    switch choice {
    case .given(let tokenizer): return tokenizer
    case .bytes: return ByteTokenizer()
    case .characters: return try CharacterTokenizer((parts + (validation?.parts ?? [])).map(\.text), pool: pool)
    case .bytePairs(let size, let splitter):
      var trainer = BPETrainer(vocabularySize: size)
      trainer.splitter = splitter
      trainer.allowsSpecial = configuration.allowsSpecial
      // One rule for what is learned and what is held out.
      for part in split.validation { try part.text.checkUTF8() }
      return try trainer.train(split.training.map(\.text), pool: pool, progress: progress)
    }
  }

  package func encode(
    _ split: Split, _ encoding: MaterialEncoding, progress: (_ done: Int, _ of: Int) -> Void
  ) throws -> Encoded {
    let configuration = encoding.configuration, all = byteCount
    let form: TextForm = [configuration.lines ? .lines : .plain, configuration.allowsSpecial ? .specials : .plain]
    let training =
      try split.trainingTokens
      ?? TokenSequence.encode(split.training, encoding.tokenizer, form, pool: encoding.pool, folder: encoding.folder) {
        progress($0, all)
      }
    let most =
      configuration.evaluationTokens > 0
      ? min(configuration.evaluationTokens, Self.mostValidationTokens) : Self.mostValidationTokens
    let validation =
      try split.validationTokens.map { $0.part(0..<min($0.count, most)) }
      ?? TokenSequence.encode(
        split.validation, encoding.tokenizer, form, most: most, pool: encoding.pool, folder: encoding.folder)
    return Self.encoded(training, validation, encoding.tokenizer)
  }

  private static func encoded(
    _ training: TokenSequence, _ validation: TokenSequence, _ tokenizer: any Tokenizer
  ) -> Encoded {
    let lengths = tokenizer.tokenByteLengths
    return validation.read(0..<validation.count) { ids in
      Encoded(
        training: training, validation: validation,
        validationBytes: ids.indices.reduce(0) { $0 + Int(lengths[Int(ids[$1])]) },
        firstTokenBytes: ids.isEmpty ? 0 : Int(lengths[Int(ids[0])]))
    }
  }

  package func kept(
    in file: Path, _ choice: TokenizerChoice, madeFrom texts: String, _ configuration: TrainingConfiguration
  ) -> (tokenizer: any Tokenizer, encoded: Encoded)? {
    guard tokens == nil, TokenFile.isOne(file), let kept = try? TokenFile(file), let tokenizer = try? kept.tokenizer()
    else { return nil }
    let wanted = Self.origin(choice, texts, configuration)
    if kept.origin.texts != wanted.texts { return nil }
    if case .given(let given) = choice {
      if TokenizerJSON.text(given) != TokenizerJSON.text(tokenizer) { return nil }
    } else if kept.origin.tokenizer != wanted.tokenizer {
      return nil
    }
    return (tokenizer, Self.encoded(kept.training, kept.heldOut, tokenizer))
  }

  package func keep(
    _ encoded: Encoded, _ tokenizer: any Tokenizer, in file: Path, _ choice: TokenizerChoice, madeFrom texts: String,
    _ configuration: TrainingConfiguration
  ) throws -> Encoded {
    if tokens != nil { return encoded }
    try TokenFile.write(
      file, training: encoded.training, heldOut: encoded.validation, tokenizer,
      origin: Self.origin(choice, texts, configuration))
    let kept = try TokenFile(file)
    return Self.encoded(kept.training, kept.heldOut, tokenizer)
  }

  private static func origin(
    _ choice: TokenizerChoice, _ texts: String, _ configuration: TrainingConfiguration
  ) -> TokenFile.Origin {
    let parts = [
      texts, "lines \(configuration.lines)", "special \(configuration.allowsSpecial)",
      "held out \(configuration.validationFraction)", "at most \(configuration.evaluationTokens)",
    ]
    let tokenizer =
      switch choice {
      case .bytes: "byte"
      case .characters: "char"
      case .bytePairs(let size, let splitter): "bpe \(size) \(splitter.rawValue)"
      case .given: ""
      }
    return TokenFile.Origin(texts: parts.joined(separator: ", "), tokenizer: tokenizer)
  }

  package static func size(
    of encoded: Encoded, _ configuration: TrainingConfiguration, context: Int
  ) -> (all: Double, perUpdate: Double) {
    (
      Double(encoded.training.count),
      Double(configuration.batchSize) * Double(configuration.gradientAccumulation) * Double(context)
    )
  }

  package static func source(
    _ encoded: Encoded, _ shape: GPTConfiguration, _ configuration: TrainingConfiguration, _ name: String
  ) throws -> TextWindows {
    if encoded.training.count <= shape.context {
      throw DatasetError.tooShort(what: name, tokens: encoded.training.count, context: shape.context)
    }
    return TextWindows(
      encoded.training, heldOut: encoded.validation, context: shape.context, batchSize: configuration.batchSize,
      turns: configuration.gradientAccumulation, seed: configuration.seed, inBlocks: configuration.order == .blocks)
  }
}
