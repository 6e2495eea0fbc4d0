public import MiniGPTCheckpoints
public import MiniGPTDatasets
internal import MiniGPTParallel
internal import MiniGPTPlatform
package import MiniGPTStorage
public import MiniGPTTensors
public import MiniGPTTokenization
public import MiniGPTTransformer

/// How a corpus becomes tokens.
public enum TokenizerChoice: Sendable {
  /// Byte pairs, trained on the training part.
  case bytePairs(vocabularySize: Int, splitter: Splitter)
  /// The characters of the whole corpus.
  case characters
  case bytes
  /// One that is there already.
  case given(any Tokenizer)
}

/// From text files to a trainer that is ready to run.
public struct TrainingSetup: Sendable {
  /// What is learned.
  public var corpus: TextCorpus
  /// The held-out text, where it is a file of its own; else the end of the corpus is held out.
  public var validation: TextCorpus?
  /// How it becomes tokens.
  public var tokenizer: TokenizerChoice
  /// The model; its vocabulary becomes that of the tokenizer.
  public var shape: GPTConfiguration
  /// How it is learned.
  public var configuration: TrainingConfiguration
  /// Passes over the training part, in place of the configuration's steps: as many steps are done as read
  /// `epochs` · tokens, the last one whole.
  public var epochs: Double?
  /// Whether a warm-up above a tenth of the steps that follow from `epochs` is shortened to that.
  package var shortensWarmup = false
  /// The model whose weights training begins with, in the very shape that is given; nil for fresh weights.
  package var initial: Checkpoint?
  /// Threads, the caller's own included. They change no bit.
  public var threads: Int
  /// The kernels; they may change the last bits.
  public var instructionSet: InstructionSet
  /// Whether the way back computes each block again instead of keeping what it made: less memory, more time, the same
  /// bits.
  public var recomputes = false
  /// Bytes of memory that may be used; nil is no limit.
  public var availableMemory: Int?

  /// The most tokens that are held out.
  package static let mostValidationTokens = 1_000_000

  /// A training of `shape` on `corpus`; without `threads`, on the cores that the process may use.
  public init(
    corpus: TextCorpus, tokenizer: TokenizerChoice, shape: GPTConfiguration, configuration: TrainingConfiguration,
    threads: Int? = nil, instructionSet: InstructionSet = .best
  ) {
    self.corpus = corpus
    self.tokenizer = tokenizer
    self.shape = shape
    self.configuration = configuration
    self.threads = threads ?? ProcessorCount.available
    self.instructionSet = instructionSet
  }

  /// What is being prepared.
  package enum Progress: Sendable {
    case trainingTokenizer(BPETrainer.Progress)
    case encoding(bytes: Int)
  }

  /// Everything that a run needs.
  package struct Prepared {
    package let trainer: Trainer
    package let trainingTokens: Int
    package let validationTokens: Int
    /// Bytes that the held-out tokens stand for, and those of the first, which is never predicted.
    package let validationBytes: Int
    package let firstTokenBytes: Int
  }

  /// Makes the tokenizer, encodes both parts and builds the trainer, with fresh weights.
  ///
  /// - Parameter folder: where the ids are kept meanwhile; nil is the system's place for temporary files.
  package func prepare(in folder: Path? = nil, progress: (Progress) -> Void = { _ in }) throws -> Prepared {
    var shape = shape
    if let initial { try Trainer.compareShape(of: initial, shape) }
    // Sizes are refused before anything is read by them; the vocabulary is not known yet.
    shape.vocabularySize = max(2, min(shape.vocabularySize, 1 << 20))
    try shape.validate()
    try configuration.validate()
    // The vocabulary has at least so many tokens: what is too large even then need not be read at all.
    shape.vocabularySize = leastVocabulary
    try TrainingError.checkMemory(
      Trainer.memoryNeeded(shape, configuration, recomputes: recomputes), available: availableMemory)
    let pool = WorkerPool(threads: threads)
    guard let kernels = instructionSet.kernels else { throw TrainingError.noInstructions(instructionSet.rawValue) }
    let parts = split()
    let tokenizer = try makeTokenizer(parts.training, parts.validation, pool, progress)
    shape.vocabularySize = tokenizer.vocabularySize
    let training = try TokenSequence.encode(
      parts.training, tokenizer, lines: configuration.lines, pool: pool, folder: folder
    ) { progress(.encoding(bytes: $0)) }
    let validation = try TokenSequence.encode(
      parts.validation, tokenizer, lines: configuration.lines, most: Self.mostValidationTokens, pool: pool,
      folder: folder)
    let configuration = try configuration(learningFrom: training.count, context: shape.context)
    var record = TrainingRecord(
      configuration: configuration, corpusFingerprint: corpus.fingerprint, instructionSet: instructionSet.rawValue)
    record.isVerse = corpus.isVerse
    record.validationFingerprint = self.validation?.fingerprint
    let trainer = try Trainer(
      shape, record: record, tokenizer: tokenizer, training: training, validation: validation,
      recomputes: recomputes, pool: pool, kernels: kernels, availableMemory: availableMemory,
      corpusName: corpus.files.map { "\($0.path)" }.joined(separator: ", "))
    if let initial { try trainer.initialize(initial) }
    let lengths = tokenizer.tokenByteLengths
    let (bytes, firstBytes) = validation.read(0..<validation.count) { ids in
      (ids.indices.reduce(0) { $0 + Int(lengths[Int(ids[$1])]) }, ids.isEmpty ? 0 : Int(lengths[Int(ids[0])]))
    }
    return Prepared(
      trainer: trainer, trainingTokens: training.count, validationTokens: validation.count, validationBytes: bytes,
      firstTokenBytes: firstBytes)
  }

  private var leastVocabulary: Int {
    switch tokenizer {
    case .given(let tokenizer): tokenizer.vocabularySize
    case .bytes, .bytePairs: 257
    case .characters: 2
    }
  }

  /// The configuration with the steps that `epochs` ask for.
  private func configuration(
    learningFrom tokens: Int, context: Int
  ) throws(TrainingConfigurationError) -> TrainingConfiguration {
    var result = configuration
    guard let epochs else { return result }
    let perStep = Double(result.batchSize) * Double(result.gradientAccumulation) * Double(context)
    let steps = (epochs * Double(tokens) / perStep).rounded(.up)
    // What no Int holds is refused as what a configuration cannot have.
    result.steps = steps < 1e15 ? max(1, Int(steps)) : Int.max
    if shortensWarmup { result.warmup = min(result.warmup, result.steps / 10) }
    try result.validate()
    return result
  }

  /// What is learned from, and what is held out.
  func split() -> (training: [TextCorpus.Part], validation: [TextCorpus.Part]) {
    if let validation { return (corpus.parts, validation.parts) }
    // A token rarely stands for more than 8 bytes; what is too much is cut off when it is encoded.
    return corpus.split(holdingOut: configuration.validationFraction, most: 8 * Self.mostValidationTokens)
  }

  private func makeTokenizer(
    _ training: [TextCorpus.Part], _ validation: [TextCorpus.Part], _ pool: WorkerPool, _ progress: (Progress) -> Void
  ) throws -> any Tokenizer {
    switch tokenizer {
    case .given(let tokenizer): return tokenizer
    case .bytes: return ByteTokenizer()
    case .characters:
      return try CharacterTokenizer((corpus.parts + (self.validation?.parts ?? [])).map(\.text), pool: pool)
    case .bytePairs(let size, let splitter):
      var trainer = BPETrainer(vocabularySize: size)
      trainer.splitter = splitter
      return try trainer.train(training.map(\.text), pool: pool) { progress(.trainingTokenizer($0)) }
    }
  }
}
