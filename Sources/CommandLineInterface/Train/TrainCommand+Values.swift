internal import MiniGPT
internal import MiniGPTPlatform

// From flags to the values of a run, and back from a checkpoint.
extension TrainCommand {
  /// Gives a value to every flag that has none: the recipe for a corpus of so many bytes.
  mutating func complete(forCorpusOf bytes: Int) {
    let typedSteps = steps, isWarmupGiven = warmup != nil
    Recipe.preset(forCorpusOf: bytes).fill(&self)
    if initial == nil && isBPE && vocabularySize == nil { vocabularySize = Recipe.vocabularySize(forCorpusOf: bytes) }
    if minimumLearningRate == nil { minimumLearningRate = (learningRate ?? 0) / 10 }
    // A run that was made short still warms up and cools down.
    if let typedSteps, !isWarmupGiven { warmup = min(warmup ?? 0, typedSteps / 10) }
    shortensWarmup = epochs != nil && !isWarmupGiven
    if saveEvery == nil { saveEvery = evaluateEvery }
  }

  var isBPE: Bool { tokenizer.map { $0.elementsEqual("bpe".utf8) } ?? true }

  /// The flags that describe a model, which one that is there already decides.
  static let modelFlags: Set<String> = [
    "layers", "heads", "embd", "context", "ffn", "positions", "norm", "activation", "tokenizer", "vocab-size", "split",
  ]

  /// What a run is computed with: a seed where none was given, the threads, and a precision that the machine has.
  mutating func settle(_ console: Console) throws -> (seed: UInt64, machine: Machine) {
    let seed = seed ?? RandomSeed.draw()
    self.seed = seed
    let machine = try Machine(threads: threads)
    precision = .settled(precision, machine, console)
    return (seed, machine)
  }

  /// The shape of a model that is there already, where no flag gives another.
  mutating func takeShape(_ shape: some ModelConfiguration, layers own: Int) {
    layers = layers ?? own
    heads = heads ?? shape.heads
    width = width ?? shape.width
    context = context ?? shape.context
    feedForwardWidth = feedForwardWidth ?? shape.feedForwardWidth
    positions = positions ?? shape.positions
    norm = norm ?? shape.norm
    activation = activation ?? shape.activation
  }

  /// The values of a run that is resumed, where no flag gives others.
  mutating func complete(from checkpoint: Checkpoint, _ record: TrainingRecord) {
    lines = lines || record.configuration.lines
    takeShape(checkpoint.configuration, layers: checkpoint.configuration.layers)
    complete(from: record)
  }

  /// The same for how it is learned.
  mutating func complete(from record: TrainingRecord) {
    let old = record.configuration
    if epochs == nil { steps = steps ?? old.steps }
    batchSize = batchSize ?? old.batchSize
    accumulation = accumulation ?? old.gradientAccumulation
    learningRate = learningRate ?? old.learningRate
    minimumLearningRate = minimumLearningRate ?? old.minimumLearningRate
    warmup = warmup ?? old.warmup
    schedule = schedule ?? old.schedule
    weightDecay = weightDecay ?? old.weightDecay
    beta1 = beta1 ?? old.beta1
    beta2 = beta2 ?? old.beta2
    clip = clip ?? old.gradientClip
    dropout = dropout ?? old.dropout
    labelSmoothing = labelSmoothing ?? old.labelSmoothing
    average = average ?? old.average
    validationFraction = validationFraction ?? old.validationFraction
    evaluateEvery = evaluateEvery ?? old.evaluateEvery
    saveEvery = saveEvery ?? old.saveEvery
    if patience == nil && old.patience > 0 { patience = old.patience }
    if precision == nil || precision == .auto { precision = PrecisionChoice(rawValue: old.precision.rawValue) }
    seed = seed ?? old.seed
  }

  /// The command that trains such a model again.
  init(recalling checkpoint: Checkpoint) throws {
    self.init()
    guard let record = checkpoint.record else { throw CheckpointError.noRecord(checkpoint.path) }
    complete(from: checkpoint, record)
    try recallModel(of: checkpoint)
  }

  /// How the model and its tokenizer came about, as flags say it.
  mutating func recallModel(of checkpoint: Checkpoint) throws {
    if checkpoint.record?.initialWeights != nil {
      forgetModel()
      initial = Array("MODEL".utf8)
      return
    }
    let known = try checkpoint.tokenizer()
    tokenizer = Array(known.kind.rawValue.utf8)
    if let pairs = known as? BytePairTokenizer {
      vocabularySize = pairs.vocabularySize
      split = pairs.splitter
    }
  }

  /// Takes back what a model that is there already decides.
  mutating func forgetModel() {
    (layers, heads, width, context, feedForwardWidth) = (nil, nil, nil, nil, nil)
    (positions, norm, activation) = (nil, nil, nil)
    (tokenizer, vocabularySize, split) = (nil, nil, nil)
  }

  /// The shape, but for the vocabulary, which the tokenizer has. All values must be complete.
  func shape() -> GPTConfiguration {
    GPTConfiguration(
      vocabularySize: vocabularySize ?? 257, context: context ?? 0, layers: layers ?? 0, heads: heads ?? 0,
      width: width ?? 0, feedForwardWidth: feedForwardWidth, positions: positions ?? .learned, norm: norm ?? .pre,
      activation: activation ?? .gelu)
  }

  func configuration(seed: UInt64) -> TrainingConfiguration {
    var result = TrainingConfiguration()
    result.steps = steps ?? result.steps
    result.batchSize = batchSize ?? result.batchSize
    result.gradientAccumulation = accumulation ?? result.gradientAccumulation
    result.learningRate = learningRate ?? result.learningRate
    result.minimumLearningRate = minimumLearningRate ?? result.minimumLearningRate
    result.warmup = warmup ?? result.warmup
    result.schedule = schedule ?? result.schedule
    result.weightDecay = weightDecay ?? result.weightDecay
    result.beta1 = beta1 ?? result.beta1
    result.beta2 = beta2 ?? result.beta2
    result.gradientClip = clip ?? result.gradientClip
    result.dropout = dropout ?? result.dropout
    result.labelSmoothing = labelSmoothing ?? result.labelSmoothing
    result.average = average ?? result.average
    result.batchTokens = batchTokens ?? result.batchTokens
    result.bestBy = bestBy ?? result.bestBy
    result.seed = seed
    // What `auto` is on this machine was settled before.
    result.precision = precision == .bf16 ? .bf16 : .fp32
    result.validationFraction =
      validation == nil && validationPairs == nil ? validationFraction ?? result.validationFraction : 0
    result.evaluateEvery = evaluateEvery ?? result.evaluateEvery
    result.saveEvery = saveEvery ?? result.saveEvery
    result.patience = patience ?? 0
    result.lines = lines
    return result
  }
}
