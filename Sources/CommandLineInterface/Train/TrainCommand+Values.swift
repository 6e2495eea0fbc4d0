internal import MiniGPT
internal import MiniGPTPlatform

// From flags to the values of a run, and back from a checkpoint.
extension TrainCommand {
  var isForPairs: Bool { !pairs.isEmpty }

  /// The files that the command names, to be read.
  var inputs: [Path] {
    var files = corpora + pairs
    for file in [validation, validationPairs, initial] { if let file { files.append(file) } }
    if case .file(let file) = tokenizer { files.append(file) }
    return files.map { Path(bytes: $0) }
  }

  /// Whether ids are kept: by themselves only where encoding takes a while.
  func keepsIds(_ texts: TextCorpus) -> Bool {
    if isForPairs || texts.tokens != nil { return false }
    return keepsIds ?? (texts.byteCount >= 1 << 25)
  }

  /// Whether the text must be characters: bytes alone may be anything.
  var needsUTF8: Bool {
    if case .kind(.byte) = tokenizer { false } else { true }
  }

  var isBPE: Bool {
    if case .kind(.bpe) = tokenizer ?? .kind(.bpe) { true } else { false }
  }

  /// Gives a value to every flag that has none: the recipe for a corpus of so many bytes, or for as many operations.
  ///
  /// - Parameter tokenizer: one that is there already.
  mutating func complete(
    forCorpusOf bytes: Int, operations: Double? = nil, tokenizer: (any Tokenizer)? = nil
  ) {
    let isBPE = tokenizer.map { $0.kind == .bpe } ?? isBPE
    if initial == nil && tokenizer == nil && isBPE && vocabularySize == nil {
      vocabularySize = Recipe.vocabularySize(forCorpusOf: bytes)
    }
    if preset != nil { return complete(with: Recipe.older) }
    if initial == nil { giveBlocks(of: architecture ?? .qwen3) }
    let isCharacters = !isBPE && initial == nil
    let recipe = Recipe(
      forCorpusOf: bytes, vocabularySize: tokenizer?.vocabularySize ?? vocabularySize ?? 257,
      isCharacters: isCharacters, operations: operations)
    let isDecayGiven = self[\.muonDecay] != nil
    complete(with: recipe.preset(self[\.optimizer] ?? .muon))
    if self[\.optimizer] == .muon, !isDecayGiven, let rate = self[\.learningRate] {
      self[\.muonDecay] = Recipe.decay(steps: self[\.steps] ?? recipe.steps, rate: rate)
    }
  }

  /// A family's blocks, where no flag gives others; of those that may, it takes an output matrix of its own.
  mutating func giveBlocks(of architecture: Architecture) {
    architecture.parts.fill(&self)
    if architecture != .gpt2 { self[\.isTied] = self[\.isTied] ?? false }
  }

  /// The same for so many pairs.
  mutating func complete(forPairs count: Int) { complete(with: PairsRecipe.preset(forPairs: count)) }

  private mutating func complete(with recipe: Preset) {
    let typedSteps = self[\.steps], isWarmupGiven = self[\.warmup] != nil, isRateGiven = self[\.learningRate] != nil
    let isTableRateGiven = self[\.embeddingRate] != nil
    recipe.fill(&self)
    defer {
      // A table's rate goes with all others.
      if !isTableRateGiven, let table = self[\.embeddingRate] ?? nil, let usual = recipe[\.learningRate] {
        self[\.embeddingRate] = table * (self[\.learningRate] ?? usual) / usual
      }
    }
    // What is known already is changed gently.
    if initial != nil, !isRateGiven, let rate = self[\.learningRate] {
      self[\.learningRate] = rate / 10
      self[\.minimumLearningRate] = min(self[\.minimumLearningRate] ?? rate / 100, rate / 100)
    }
    if self[\.minimumLearningRate] == nil {
      let endsAtZero = isForPairs && self[\.schedule] == .inverseSquareRoot
      self[\.minimumLearningRate] = endsAtZero ? 0 : (self[\.learningRate] ?? 0) / 10
    }
    // A run that was made short still warms up and cools down.
    if let typedSteps, !isWarmupGiven { self[\.warmup] = min(self[\.warmup] ?? 0, typedSteps / 10) }
    shortensWarmup = epochs != nil && !isWarmupGiven
    if self[\.saveEvery] == nil { self[\.saveEvery] = self[\.evaluateEvery] }
  }

  /// The flags that describe a model, which one that is there already decides.
  static let modelFlags = Set(GPTConfiguration.fields.map(\.name) + ["tokenizer", "split"])

  /// What a run is computed with: a seed where none was given, the threads, and a precision that the machine has.
  mutating func settle(_ console: Console) throws -> Machine {
    self[\.seed] = self[\.seed] ?? RandomSeed.draw()
    let machine = try Machine(threads: threads, console)
    precision = .settled(precision, machine, console)
    return machine
  }

  /// The shape of a model that is there already, where no flag gives another.
  mutating func takeShape(_ shape: some FlaggedShape) {
    model.complete(from: shape.flags)
  }

  /// The values of a run that is resumed, where no flag gives others.
  mutating func complete(from shape: some FlaggedShape, _ record: TrainingRecord) {
    takeShape(shape)
    let old = record.configuration, others: FieldTraits = isForPairs ? .texts : .pairs, keepsSteps = epochs == nil
    training.complete(from: old) { !$0.traits.contains(others) && (keepsSteps || $0.name != "steps") }
    if precision == nil || precision == .auto { precision = PrecisionChoice(old.precision) }
  }

  /// The shape, but for the vocabulary, which the tokenizer has. All values must be complete.
  func shape() -> GPTConfiguration {
    var shape = model.values
    shape.vocabularySize = vocabularySize ?? 257
    if self[\.block.feedForwardWidth] == nil {
      shape.feedForwardWidth = BlockConfiguration.usualFeedForwardWidth(shape.width, isGated: shape.isGated)
    }
    return shape
  }

  func configuration() -> TrainingConfiguration {
    var result = training.values
    // What `auto` is on this machine was settled before.
    result.precision = precision == .bf16 ? .bf16 : .fp32
    if validation != nil || validationPairs != nil { result.validationFraction = 0 }
    return result
  }
}

/// A shape that flags can give: `--layers` counts those of a GPT, or of each side of a translator.
protocol FlaggedShape: ModelConfiguration {
  var flags: GPTConfiguration { get }
}

extension GPTConfiguration: FlaggedShape { var flags: GPTConfiguration { self } }

extension TranslatorConfiguration: FlaggedShape {
  var flags: GPTConfiguration {
    GPTConfiguration(vocabularySize: vocabularySize, context: context, layers: decoderLayers, block: block)
  }
}
