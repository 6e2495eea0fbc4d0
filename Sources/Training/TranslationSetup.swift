public import MiniGPTCheckpoints
public import MiniGPTDatasets
internal import MiniGPTParallel
internal import MiniGPTPlatform
package import MiniGPTStorage
public import MiniGPTTensors
package import MiniGPTTokenization
public import MiniGPTTransformer

/// From files of sentence pairs to a trainer that is ready to run.
public struct TranslationSetup: Sendable {
  /// What is learned.
  public var pairs: SentencePairs
  /// The held-out pairs, where they are a file of their own; else a part of the pairs is held out.
  public var validation: SentencePairs?
  /// How both languages become tokens: byte pairs of both together, or a tokenizer that is there already.
  public var tokenizer: TokenizerChoice
  /// The model; its vocabulary becomes that of the tokenizer.
  public var shape: TranslatorConfiguration
  /// How it is learned.
  public var configuration: TrainingConfiguration
  /// Passes over the training pairs, in place of the configuration's steps.
  public var epochs: Double?
  /// Threads, the caller's own included. They change no bit.
  public var threads: Int
  /// The kernels; they may change the last bits.
  public var instructionSet: InstructionSet
  /// Whether the way back computes each block again instead of keeping what it made: less memory, more time, the same
  /// bits.
  public var recomputes = false
  /// Bytes of memory that may be used; nil is no limit.
  public var availableMemory: Int?

  /// The most pairs that are held out.
  package static let mostValidationPairs = 10_000

  /// A training of `shape` on `pairs`; without `threads`, on the cores that the process may use.
  public init(
    pairs: SentencePairs, tokenizer: TokenizerChoice, shape: TranslatorConfiguration,
    configuration: TrainingConfiguration, threads: Int? = nil, instructionSet: InstructionSet = .best
  ) {
    self.pairs = pairs
    self.tokenizer = tokenizer
    self.shape = shape
    self.configuration = configuration
    self.threads = threads ?? ProcessorCount.available
    self.instructionSet = instructionSet
  }

  /// What is being prepared.
  package enum Progress: Sendable {
    case trainingTokenizer(BPETrainer.Progress)
    case encoding(pairs: Int)
  }

  /// Everything that a run needs.
  package struct Prepared {
    package let trainer: TranslatorTrainer
    package let training: EncodedPairs
    package let validation: EncodedPairs?
  }

  /// Makes the tokenizer, encodes both parts and builds the trainer, with fresh weights.
  ///
  /// - Parameter folder: where the ids are kept meanwhile; nil is the system's place for temporary files.
  package func prepare(in folder: Path? = nil, progress: (Progress) -> Void = { _ in }) throws -> Prepared {
    var shape = shape
    // Sizes are refused before anything is read by them; the vocabulary is not known yet.
    shape.vocabularySize = max(4, min(shape.vocabularySize, 1 << 20))
    try shape.validate()
    try configuration.validate()
    let pool = WorkerPool(threads: threads)
    guard let kernels = instructionSet.kernels else { throw TrainingError.noInstructions(instructionSet.rawValue) }
    let (kept, heldOut) =
      validation == nil
      ? pairs.split(holdingOut: configuration.validationFraction, most: Self.mostValidationPairs)
      : (Array(0..<Int32(pairs.count)), [])
    let tokenizer = try makeTokenizer(kept, pool, progress)
    shape.vocabularySize = tokenizer.vocabularySize
    func encode(_ pairs: SentencePairs, _ which: [Int32]) throws -> EncodedPairs {
      try EncodedPairs.encode(pairs, which, tokenizer, places: shape.context, pool: pool, folder: folder) {
        progress(.encoding(pairs: $0))
      }
    }
    let training = try encode(pairs, kept)
    let validation =
      if let validation = self.validation {
        try encode(validation, Array(0..<Int32(validation.count)))
      } else {
        heldOut.isEmpty ? nil : try encode(pairs, heldOut)
      }
    var record = TrainingRecord(
      configuration: try configuration(learningFrom: training), corpusFingerprint: pairs.corpus.fingerprint,
      instructionSet: instructionSet.rawValue)
    record.validationFingerprint = self.validation?.corpus.fingerprint
    let trainer = try TranslatorTrainer(
      shape, record: record, tokenizer: tokenizer, training: training, validation: validation,
      recomputes: recomputes, pool: pool, kernels: kernels, availableMemory: availableMemory,
      corpusName: pairs.corpus.files.map { "\($0.path)" }.joined(separator: ", "))
    return Prepared(trainer: trainer, training: training, validation: validation)
  }

  /// The configuration with the steps that `epochs` ask for.
  private func configuration(learningFrom training: EncodedPairs) throws -> TrainingConfiguration {
    var result = configuration
    guard let epochs, training.count > 0 else { return result }
    let batches = PairBatches(training, tokens: result.batchTokens, seed: result.seed).batches.count
    let steps = (epochs * Double(batches) / Double(result.gradientAccumulation)).rounded(.up)
    // What no Int holds is refused as what a configuration cannot have.
    result.steps = steps < 1e15 ? max(1, Int(steps)) : Int.max
    try result.validate()
    return result
  }

  private func makeTokenizer(
    _ training: [Int32], _ pool: WorkerPool, _ progress: (Progress) -> Void
  ) throws -> any Tokenizer {
    let size: Int, splitter: Splitter
    switch tokenizer {
    case .given(let tokenizer):
      let ends = tokenizer.id(of: SpecialToken.endOfSentence) == TranslatorConfiguration.endOfSentence
      if !ends || tokenizer.id(of: SpecialToken.padding) != Int32(tokenizer.vocabularySize - 1) {
        throw TrainingError.notForTranslation(tokenizer.kind.rawValue)
      }
      return tokenizer
    case .characters, .bytes: throw TrainingError.notForTranslation(tokenizer.name)
    case .bytePairs(let wanted, let rule): (size, splitter) = (wanted, rule)
    }
    var trainer = BPETrainer(vocabularySize: size)
    trainer.splitter = splitter
    trainer.layout = .translation
    let texts = training.flatMap { number in
      let (source, target) = pairs.texts(Int(number))
      return [source, target]
    }
    return try trainer.train(texts, pool: pool) { progress(.trainingTokenizer($0)) }
  }
}

extension TokenizerChoice {
  fileprivate var name: String {
    switch self {
    case .bytePairs: TokenizerKind.bpe.rawValue
    case .characters: TokenizerKind.char.rawValue
    case .bytes: TokenizerKind.byte.rawValue
    case .given(let tokenizer): tokenizer.kind.rawValue
    }
  }
}
