internal import MiniGPT

/// What suits a corpus of some size on a small machine, where neither a flag nor a preset says otherwise.
///
/// A function of the corpus alone, never of the machine: the same command gives the same model everywhere.
struct Recipe {
  /// The values for a corpus of `bytes`.
  static func preset(forCorpusOf bytes: Int) -> Preset {
    Preset("for this corpus") {
      give(&$0)
      giveModel(bytes, &$0)
    }
  }

  /// A vocabulary that leaves each token enough places to be learnt from: about 3,400 bytes of text a token.
  static func vocabularySize(forCorpusOf bytes: Int) -> Int {
    var size = 512
    while size < 16_384, size * 3_400 < bytes { size *= 2 }
    return size
  }

  private static func give(_ command: inout TrainCommand) {
    (command.tokenizer, command.split) = (.kind(.bpe), .gpt2)
    (command[\.block.positions], command[\.block.norm], command[\.block.activation]) = (.learned, .pre, .gelu)
    (command[\.gradientAccumulation], command[\.schedule], command[\.weightDecay]) = (1, .cosine, 0.1)
    (command[\.beta1], command[\.beta2], command[\.gradientClip]) = (0.9, 0.99, 1)
    (command[\.learningRate], command[\.minimumLearningRate], command[\.batchSize]) = (2e-3, 2e-4, 16)
    command[\.validationFraction] = 0.1
  }

  /// Some minutes of two cores each; a small text is passed over often, so it gets dropout and a small model.
  private static func giveModel(_ bytes: Int, _ command: inout TrainCommand) {
    if bytes < 100_000 {
      command.giveBlocks(3, heads: 4, width: 96)
      (command[\.context], command[\.evaluateEvery]) = (64, 200)
      (command[\.steps], command[\.warmup], command[\.dropout]) = (1000, 50, 0.2)
    } else {
      command.giveBlocks(4, heads: 4, width: 128)
      (command[\.context], command[\.evaluateEvery], command[\.warmup]) = (128, 250, 100)
      (command[\.steps], command[\.dropout]) = bytes < 2_000_000 ? (2000, 0.1) : (2200, 0)
    }
  }
}
