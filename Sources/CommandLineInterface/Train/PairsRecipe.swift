internal import MiniGPT

/// What suits pairs of some number on a small machine, where neither a flag nor a preset says otherwise.
enum PairsRecipe {
  static func preset(forPairs count: Int) -> Preset {
    switch count {
    case ..<20_000: .grammar
    case ..<60_000:
      Preset("for these pairs") {
        giveMulti30k(&$0)
        $0.vocabularySize = 8000
      }
    default:
      Preset("for these pairs") {
        give(&$0)
        $0.vocabularySize = 8000
        $0.giveBlocks(3, heads: 4, width: 256, inner: 1024)
        ($0[\.block.norm], $0[\.dropout], $0[\.batchTokens], $0[\.steps]) = (.pre, 0.1, 4096, 8000)
        ($0[\.learningRate], $0[\.warmup], $0[\.evaluateEvery], $0[\.average]) = (1e-3, 800, 500, 5)
      }
    }
  }

  /// What all recipes for pairs share: the paper's choices (§3, §5), but for the rate.
  fileprivate static func give(_ command: inout TrainCommand) {
    (command.tokenizer, command.split) = (.kind(.bpe), .gpt2)
    (command[\.block.positions], command[\.block.norm], command[\.block.activation]) = (.sinusoidal, .post, .relu)
    (command[\.context], command[\.gradientAccumulation], command[\.schedule]) = (256, 1, .inverseSquareRoot)
    (command[\.beta1], command[\.beta2], command[\.weightDecay], command[\.gradientClip]) = (0.9, 0.98, 0, 1)
    (command[\.labelSmoothing], command[\.average], command[\.bestBy]) = (0.1, 1, .loss)
    command[\.validationFraction] = 0.05
  }

  fileprivate static func giveMulti30k(_ command: inout TrainCommand) {
    give(&command)
    (command.vocabularySize, command.split) = (10_000, .spaces)
    command.giveBlocks(4, heads: 4, width: 128, inner: 256)
    (command[\.dropout], command[\.batchTokens], command[\.steps]) = (0.3, 8192, 6500)
    (command[\.learningRate], command[\.warmup], command[\.gradientClip]) = (5e-3, 2000, 0)
    (command[\.evaluateEvery], command[\.saveEvery], command[\.average]) = (250, 50, 10)
  }
}

extension Preset {
  /// The grammar of `corpora`, learnt in two minutes of two cores.
  static let grammar = Preset("grammar") {
    PairsRecipe.give(&$0)
    $0.vocabularySize = 1000
    $0.giveBlocks(2, heads: 4, width: 128, inner: 512)
    ($0[\.context], $0[\.block.norm], $0[\.dropout], $0[\.batchTokens]) = (128, .pre, 0.1, 1024)
    ($0[\.steps], $0[\.learningRate], $0[\.warmup], $0[\.schedule]) = (1200, 2e-3, 100, .cosine)
    $0[\.evaluateEvery] = 200
  }

  /// Multi30k, tokenised and lower-cased, in the smallest Transformer of Wu et al. 2021 (arXiv:2105.14462, §3).
  static let multi30k = Preset("multi30k", PairsRecipe.giveMulti30k)

  /// The paper's base model: §3, §5. Its 25,000 target tokens an update come in eight batches.
  static let paperBase = Preset("paper-base") {
    PairsRecipe.give(&$0)
    $0.vocabularySize = 37_000
    $0.giveBlocks(6, heads: 8, width: 512, inner: 2048)
    ($0[\.dropout], $0[\.batchTokens], $0[\.gradientAccumulation], $0[\.steps]) = (0.1, 3200, 8, 100_000)
    ($0[\.learningRate], $0[\.warmup], $0[\.gradientClip]) = (6.987712429686843e-4, 4000, 0)
    ($0[\.evaluateEvery], $0[\.average]) = (1500, 5)
  }
}
