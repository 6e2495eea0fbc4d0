/// What suits a corpus of some size on a small machine, where neither a flag nor a preset says otherwise.
///
/// A function of the corpus alone, never of the machine: the same command gives the same model everywhere.
struct Recipe {
  /// The preset-like values for a corpus of `bytes`.
  static func preset(forCorpusOf bytes: Int) -> Preset {
    Preset(name: "for this corpus", values: model(bytes) + common)
  }

  /// A vocabulary that leaves each token enough places to be learnt from: about 3,400 bytes of text a token.
  static func vocabularySize(forCorpusOf bytes: Int) -> Int {
    var size = 512
    while size < 16_384, size * 3_400 < bytes { size *= 2 }
    return size
  }

  private static let common: [(flag: String, value: String)] = [
    ("tokenizer", "bpe"), ("split", "gpt2"), ("grad-accum", "1"), ("schedule", "cosine"), ("weight-decay", "0.1"),
    ("beta1", "0.9"), ("beta2", "0.99"), ("grad-clip", "1"), ("positions", "learned"), ("norm", "pre"),
    ("activation", "gelu"), ("val-fraction", "0.1"),
  ]

  /// Some minutes of two cores each; a small text is passed over often, so it gets dropout and a small model.
  private static func model(_ bytes: Int) -> [(flag: String, value: String)] {
    switch bytes {
    case ..<100_000:
      [
        ("layers", "3"), ("heads", "4"), ("embd", "96"), ("context", "64"), ("batch-size", "16"), ("steps", "1000"),
        ("lr", "2e-3"), ("min-lr", "2e-4"), ("warmup", "50"), ("dropout", "0.2"), ("eval-every", "200"),
      ]
    case ..<2_000_000:
      [
        ("layers", "4"), ("heads", "4"), ("embd", "128"), ("context", "128"), ("batch-size", "16"), ("steps", "2000"),
        ("lr", "2e-3"), ("min-lr", "2e-4"), ("warmup", "100"), ("dropout", "0.1"), ("eval-every", "250"),
      ]
    default:
      [
        ("layers", "4"), ("heads", "4"), ("embd", "128"), ("context", "128"), ("batch-size", "16"), ("steps", "2200"),
        ("lr", "2e-3"), ("min-lr", "2e-4"), ("warmup", "100"), ("dropout", "0"), ("eval-every", "250"),
      ]
    }
  }
}
