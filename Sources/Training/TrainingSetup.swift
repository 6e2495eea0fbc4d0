public import MiniGPTCheckpoints
public import MiniGPTDatasets
internal import MiniGPTParallel
internal import MiniGPTPlatform
package import MiniGPTStorage
public import MiniGPTTensors
public import MiniGPTTokenization
internal import MiniGPTTransformer

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

/// What a training learns from: texts, or sentence pairs.
public protocol TrainingMaterial: Sendable {
  /// The shape of the model that learns from it.
  associatedtype Shape: Sendable
}

/// From files of texts to a language model's trainer that is ready to run.
public typealias TrainingSetup = MaterialSetup<TextCorpus>

/// From files of sentence pairs to a translator's trainer that is ready to run.
public typealias TranslationSetup = MaterialSetup<SentencePairs>

/// From files to a trainer that is ready to run.
public struct MaterialSetup<Material: TrainingMaterial>: Sendable {
  /// What is learned.
  public var material: Material
  /// What is held out, where it is a file of its own; else a part of the material is.
  public var validation: Material?
  /// How it becomes tokens.
  public var tokenizer: TokenizerChoice
  /// The model; its vocabulary becomes that of the tokenizer.
  public var shape: Material.Shape
  /// How it is learned.
  public var configuration: TrainingConfiguration
  /// Passes over the training part, in place of the configuration's steps: as many steps are done as read
  /// `epochs` times all of it, the last one whole.
  public var epochs: Double?
  /// Whether a warm-up above a tenth of the steps that follow from `epochs` is shortened to that.
  package var shortensWarmup = false
  /// Threads, the caller's own included. They change no bit.
  public var threads: Int
  /// The kernels; they may change the last bits.
  public var instructionSet: InstructionSet
  /// Whether the backward pass computes each block again instead of keeping what it made: less memory, more time, the
  /// same bits.
  public var recomputes = false
  /// Where ids are kept, so that the same texts need not be encoded again; nil where they are not.
  package var tokenFile: Path?
  /// Bytes of memory that may be used; nil is no limit.
  public var availableMemory: Int?

  /// A training of `shape` on some material; without `threads`, on the cores that the process may use.
  public init(
    _ material: Material, tokenizer: TokenizerChoice, shape: Material.Shape, configuration: TrainingConfiguration,
    threads: Int? = nil, instructionSet: InstructionSet = .best
  ) {
    self.material = material
    self.tokenizer = tokenizer
    self.shape = shape
    self.configuration = configuration
    self.threads = threads ?? ProcessorCount.available
    self.instructionSet = instructionSet
  }
}

extension MaterialSetup where Material: LearnableMaterial {
  /// What is being prepared.
  package enum Progress: Sendable {
    case trainingTokenizer(BPETrainer.Progress)
    /// Bytes of texts, or pairs, of all.
    case encoding(done: Int, of: Int)
  }

  /// Everything that a run needs.
  package struct Prepared {
    package let trainer: Trainer<Material.Model, Material.Source>
    package let encoded: Material.Encoded
  }

  /// Makes the tokenizer, encodes what is learned and what is held out, and builds the trainer, with fresh weights or those
  /// of `initial`.
  ///
  /// - Parameter folder: where the ids are kept meanwhile; nil is the system's place for temporary files.
  package func prepare(
    from initial: ModelCheckpoint<Material.Model>? = nil, in folder: Path? = nil,
    progress: (Progress) -> Void = { _ in }
  ) throws -> Prepared {
    typealias Trainer = MiniGPTTraining.Trainer<Material.Model, Material.Source>
    var shape = shape
    if let initial { try Trainer.compareShape(of: initial, shape) }
    // Sizes are refused before anything is read by them. The vocabulary is not known yet, but has at least so many tokens.
    shape.vocabularySize = Material.leastVocabulary(of: tokenizer)
    try shape.validate()
    try self.configuration.validate()
    // What takes too much memory even then need not be read at all.
    let limits = MemoryLimits(recomputes: recomputes, available: availableMemory)
    try limits.check(
      Trainer.memoryNeeded(
        shape, Material.leastCapacity(shape, self.configuration), self.configuration, recomputes: recomputes))
    let pool = WorkerPool(threads: threads)
    guard let kernels = instructionSet.kernels else { throw TrainingError.noInstructions(instructionSet.rawValue) }
    let fingerprint = material.corpusFiles.fingerprint, validationFingerprint = validation?.corpusFiles.fingerprint
    let texts = [fingerprint, validationFingerprint].compactMap { $0.map(hexadecimal16) }.joined(separator: " ")
    let (tokenizer, encoded) = try encode(madeFrom: texts, context: shape.context, pool, folder, progress)
    shape.vocabularySize = tokenizer.vocabularySize
    let configuration = try self.configuration(
      learningFrom: Material.size(of: encoded, self.configuration, context: shape.context))
    var record = TrainingRecord(
      configuration: configuration, corpusFingerprint: fingerprint,
      instructionSet: instructionSet.rawValue)
    record.isVerse = material.isVerse
    if case .given = self.tokenizer { record.isTokenizerGiven = initial == nil }
    record.validationFingerprint = validationFingerprint
    let name = material.corpusFiles.names
    let trainer = try Trainer(
      shape, on: try Material.source(encoded, shape, configuration, name), record, tokenizer, memory: limits,
      processor: Processor(pool, kernels), corpusName: name)
    if let initial { try trainer.initialize(initial) }
    return Prepared(trainer: trainer, encoded: encoded)
  }

  /// The tokenizer, and the ids of what is learned and what is held out: those that were kept, or new ones.
  private func encode(
    madeFrom texts: String, context: Int, _ pool: WorkerPool, _ folder: Path?, _ progress: (Progress) -> Void
  ) throws -> (any Tokenizer, Material.Encoded) {
    if let tokenFile, let kept = material.kept(in: tokenFile, tokenizer, madeFrom: texts, configuration) {
      return (kept.tokenizer, kept.encoded)
    }
    let split = material.split(validation: validation, configuration)
    let made = try material.makeTokenizer(tokenizer, split, validation, configuration, pool) {
      progress(.trainingTokenizer($0))
    }
    let encoding = MaterialEncoding(
      tokenizer: made, configuration: configuration, context: context, pool: pool, folder: folder)
    let encoded = try material.encode(split, encoding) { progress(.encoding(done: $0, of: $1)) }
    guard let tokenFile else { return (made, encoded) }
    return (made, try material.keep(encoded, made, in: tokenFile, tokenizer, madeFrom: texts, configuration))
  }

  /// The configuration with the steps that `epochs` ask for.
  private func configuration(
    learningFrom size: (all: Double, perUpdate: Double)
  ) throws(TrainingConfigurationError) -> TrainingConfiguration {
    var result = configuration
    guard let epochs else { return result }
    let steps = (epochs * size.all / size.perUpdate).rounded(.up)
    if steps > Double(1 << 31) { throw TrainingConfigurationError(name: "epochs", expected: "fewer steps than 2^31") }
    result.steps = max(1, Int(steps))
    if shortensWarmup { result.warmup = min(result.warmup, result.steps / 10) }
    try result.validate()
    return result
  }
}
