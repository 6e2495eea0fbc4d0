internal import MiniGPT

/// A named recipe: a command in which only what the recipe decides is given.
struct Preset: Sendable {
  let name: String
  private let values: TrainCommand

  init(_ name: String, _ decide: (inout TrainCommand) -> Void) {
    self.name = name
    var values = TrainCommand()
    decide(&values)
    self.values = values
  }

  static let all = [nanoGPTOnCPU, nanoGPT, gpt2, grammar, multi30k, paperBase]

  static func named(_ name: String) -> Preset? { all.first { $0.name == name } }

  /// A value that it decides, or nil.
  subscript<Value: FieldValue>(_ place: WritableKeyPath<TrainingConfiguration, Value>) -> Value? { values[place] }

  /// Whether it is for `--pairs`.
  var isForPairs: Bool { values[\.batchTokens] != nil }

  /// nanoGPT's recipe for a machine without a GPU: its README, and config/train_shakespeare_char.py.
  static let nanoGPTOnCPU = Preset("nanogpt-cpu") {
    nanoGPTRates(&$0)
    $0.tokenizer = .kind(.char)
    $0.giveBlocks(4, heads: 4, width: 128)
    ($0[\.context], $0[\.batchSize], $0[\.steps]) = (64, 12, 2000)
    ($0[\.dropout], $0[\.validationFraction]) = (0, 0.1)
  }

  /// nanoGPT's recipe for Shakespeare's characters: config/train_shakespeare_char.py.
  static let nanoGPT = Preset("nanogpt") {
    nanoGPTRates(&$0)
    $0.tokenizer = .kind(.char)
    $0.giveBlocks(6, heads: 6, width: 384)
    ($0[\.context], $0[\.batchSize], $0[\.steps]) = (256, 64, 5000)
    ($0[\.dropout], $0[\.validationFraction]) = (0.2, 0.1)
  }

  /// The smallest GPT-2, with nanoGPT's rates: config/train_gpt2.py, for one machine.
  static let gpt2 = Preset("gpt2") {
    nanoGPTRates(&$0)
    ($0.tokenizer, $0.vocabularySize) = (.kind(.bpe), 50_257)
    $0.giveBlocks(12, heads: 12, width: 768)
    ($0[\.context], $0[\.batchSize], $0[\.gradientAccumulation], $0[\.steps]) = (1024, 12, 40, 600_000)
    ($0[\.learningRate], $0[\.minimumLearningRate], $0[\.warmup], $0[\.beta2]) = (6e-4, 6e-5, 2000, 0.95)
    ($0[\.dropout], $0[\.evaluateEvery]) = (0, 1000)
  }

  private static func nanoGPTRates(_ command: inout TrainCommand) {
    (command[\.learningRate], command[\.minimumLearningRate], command[\.warmup]) = (1e-3, 1e-4, 100)
    (command[\.schedule], command[\.beta2], command[\.weightDecay]) = (.cosine, 0.99, 0.1)
    (command[\.gradientClip], command[\.evaluateEvery]) = (1, 250)
  }

  /// Gives its values to all flags that have none yet. A size or a split is left alone where the tokenizer is not bpe.
  func fill(_ command: inout TrainCommand) {
    let isBPE = command.isBPE, typedRate = command[\.learningRate]
    for option in TrainCommand.options where option.show(command).isEmpty && !option.show(values).isEmpty {
      let isOpen =
        switch option.name {
        // A model that is there already has its own shape and tokenizer.
        case let name where command.initial != nil && TrainCommand.modelFlags.contains(name): false
        case "vocab-size", "split": isBPE
        // A typed rate takes its own tenth along, not the preset's end.
        case "min-lr": typedRate == nil || typedRate == values[\.learningRate] || values[\.minimumLearningRate] == 0
        case "steps": command.epochs == nil
        case "val-fraction": command.validation == nil && command.validationPairs == nil
        default: true
        }
      if isOpen { option.copy(values, &command) }
    }
  }
}

extension TrainCommand {
  /// So many layers of blocks; `inner` is the width of their feed-forward layers.
  mutating func giveBlocks(_ layers: Int, heads: Int, width: Int, inner: Int? = nil) {
    (self[\.layers], self[\.block.heads], self[\.block.width]) = (layers, heads, width)
    self[\.block.feedForwardWidth] = inner
  }
}
