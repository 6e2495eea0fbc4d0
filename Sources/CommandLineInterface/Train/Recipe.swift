internal import MiniGPT
internal import MiniGPTPlatform

/// What suits a corpus of some size on a small machine, where neither a flag nor a preset says otherwise: today's blocks,
/// Muon, an epoch as a permutation of blocks, and a rate that stays, then falls to zero.
///
/// Without a budget a function of the corpus alone, never of the machine: the same command gives the same model everywhere.
/// `Docs/Log.md` has the measurements.
struct Recipe {
  /// A shape, and how much of a text goes into an update.
  struct Size: Sendable {
    let layers: Int
    let width: Int
    let context: Int
    let batchSize: Int

    var tokensPerStep: Int { context * batchSize }

    func give(_ command: inout TrainCommand) {
      command.giveBlocks(layers, heads: max(1, width / 32), width: width)
      (command[\.context], command[\.batchSize]) = (context, batchSize)
    }

    /// The recipe's model of this size.
    func shape(vocabularySize: Int) -> GPTConfiguration {
      var command = TrainCommand()
      command.giveBlocks(of: .qwen3)
      give(&command)
      command.vocabularySize = vocabularySize
      return command.shape()
    }

    func operationsPerStep(vocabularySize: Int) -> Double {
      Double(tokensPerStep) * shape(vocabularySize: vocabularySize).operationsPerToken
    }
  }

  let size: Size
  let steps: Int
  /// Passes over the text.
  let epochs: Double

  /// The recipe for a corpus of `bytes`, of characters or of byte pairs, and for as many operations as there is time for,
  /// where that is measured.
  init(forCorpusOf bytes: Int, vocabularySize: Int, isCharacters: Bool, operations: Double?) {
    let tokens = Self.tokens(bytes, isCharacters: isCharacters)
    if let operations {
      size = Self.size(for: operations, vocabularySize: vocabularySize, tokensPerParameter: isCharacters ? 3 : 1)
      steps = max(1, Int(operations / size.operationsPerStep(vocabularySize: vocabularySize)))
      epochs = Double(steps * size.tokensPerStep) / tokens
      return
    }
    size = Self.sizes[bytes < 200_000 ? 0 : bytes < 2_000_000 ? 1 : 2]
    let most = Self.usualOperations / size.operationsPerStep(vocabularySize: vocabularySize)
    // Passed over too often, a text is learned by heart.
    let useful = Self.mostEpochs * tokens / Double(size.tokensPerStep)
    steps = Self.rounded(min(most, useful))
    epochs = Double(steps * size.tokensPerStep) / tokens
  }

  /// The largest model that still sees enough tokens for each of its parameters.
  private static func size(for operations: Double, vocabularySize: Int, tokensPerParameter: Double) -> Size {
    sizes.last { size in
      let shape = size.shape(vocabularySize: vocabularySize)
      return operations / shape.operationsPerToken >= tokensPerParameter * Double(shape.multipliedParameters)
    } ?? sizes[0]
  }

  static let sizes = [
    Size(layers: 4, width: 96, context: 128, batchSize: 8), Size(layers: 4, width: 128, context: 128, batchSize: 8),
    Size(layers: 4, width: 192, context: 128, batchSize: 8), Size(layers: 6, width: 256, context: 256, batchSize: 8),
    Size(layers: 6, width: 320, context: 256, batchSize: 16), Size(layers: 6, width: 384, context: 256, batchSize: 16),
  ]

  /// What some minutes of two cores do.
  static let usualOperations = 28.5e12
  private static let mostEpochs = 14.0

  /// A vocabulary that leaves each token enough places to be learnt from: about 1,200 bytes of text a token.
  static func vocabularySize(forCorpusOf bytes: Int) -> Int {
    var size = 512
    while size < 4096, size * 1_200 < bytes { size *= 2 }
    return size
  }

  /// Tokens to learn from, roughly.
  private static func tokens(_ bytes: Int, isCharacters: Bool) -> Double {
    max(1, 0.9 * Double(bytes) / (isCharacters ? 1 : 2.8))
  }

  private static func rounded(_ steps: Double) -> Int {
    let unit = steps < 1000 ? 50.0 : 100
    return max(50, Int((steps / unit).rounded() * unit))
  }

  /// All values, with Muon or with AdamW alone.
  func preset(_ optimizer: OptimizerKind) -> Preset {
    Preset("for this corpus") { command in
      Self.give(&command)
      if optimizer == .muon { Self.giveMuon(&command) } else { Self.giveAdamW(&command) }
      size.give(&command)
      command[\.steps] = steps
      command[\.evaluateEvery] = max(10, (steps + 4) / 5)
      command[\.dropout] = epochs < 4 ? 0 : epochs < 12 ? 0.1 : 0.2
    }
  }

  private static func give(_ command: inout TrainCommand) {
    (command.tokenizer, command.split) = (.kind(.bpe), .gpt2)
    (command[\.gradientAccumulation], command[\.order], command[\.validationFraction]) = (1, .blocks, 0.1)
    (command[\.learningRate], command[\.minimumLearningRate], command[\.warmup]) = (4e-3, 0, 40)
    (command[\.schedule], command[\.cooldown]) = (.plateau, 0.6)
    (command[\.embeddingRate], command[\.beta2], command[\.isCautious]) = (3e-2, 0.998, true)
  }

  private static func giveMuon(_ command: inout TrainCommand) {
    (command[\.optimizer], command[\.decaySchedule]) = (.muon, .rate)
    (command[\.weightDecay], command[\.beta1], command[\.epsilon]) = (0.01, 0.8, 1e-10)
    command[\.gradientClip] = 0
  }

  /// Muon's λ: at the highest rate weights are forgotten over 15 % of the run, but not faster than was tried.
  static func decay(steps: Int, rate: Double) -> Double {
    let decay = min(1.5, 1 / (0.15 * rate * Double(max(1, steps))))
    return (decay * 1000).rounded() / 1000
  }

  private static func giveAdamW(_ command: inout TrainCommand) {
    (command[\.weightDecay], command[\.beta1], command[\.gradientClip]) = (0.1, 0.9, 1)
  }

  /// What a preset of older models leaves open: GPT-2's blocks, AdamW.
  static let older = Preset("of GPT-2") { command in
    Architecture.gpt2.parts.fill(&command)
    (command.tokenizer, command.split) = (.kind(.bpe), .gpt2)
    (command[\.gradientAccumulation], command[\.schedule], command[\.weightDecay]) = (1, .cosine, 0.1)
    (command[\.beta1], command[\.beta2], command[\.gradientClip]) = (0.9, 0.99, 1)
    command[\.validationFraction] = 0.1
  }
}

extension Recipe {
  /// Operations a second, by a few steps of the smallest size.
  static func measuredSpeed(_ machine: Machine, _ precision: Precision) throws -> Double {
    let size = sizes[0], shape = size.shape(vocabularySize: 512)
    var configuration = TrainingConfiguration()
    (configuration.optimizer, configuration.precision) = (.muon, precision)
    let benchmark = StepBenchmark(shape, batch: size.batchSize, configuration, on: machine.processor)
    guard let result = try benchmark.run(warmUp: 2, steps: 5, shouldStop: { Interruption.isRequested })
    else { throw Interrupted() }
    return Double(size.tokensPerStep) * shape.operationsPerToken / result.median
  }
}
