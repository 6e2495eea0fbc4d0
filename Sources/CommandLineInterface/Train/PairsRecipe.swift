/// What suits pairs of some number on a small machine, where neither a flag nor a preset says otherwise.
enum PairsRecipe {
  static func preset(forPairs count: Int) -> Preset {
    switch count {
    case ..<20_000: .grammar
    case ..<60_000: Preset(name: "for these pairs", values: [("vocab-size", "8000")] + Preset.multi30k.values)
    default:
      Preset(
        name: "for these pairs",
        values: [
          ("vocab-size", "8000"), ("layers", "3"), ("heads", "4"), ("embd", "256"), ("ffn", "1024"),
          ("norm", "pre"), ("dropout", "0.1"), ("batch-tokens", "4096"), ("steps", "8000"), ("lr", "1e-3"),
          ("warmup", "800"), ("eval-every", "500"), ("average", "5"),
        ] + common)
    }
  }

  /// What all recipes for pairs share: the paper's choices (§3, §5), but for the rate.
  static let common: [(flag: String, value: String)] = [
    ("tokenizer", "bpe"), ("split", "gpt2"), ("context", "256"), ("positions", "sinusoidal"), ("norm", "post"),
    ("activation", "relu"), ("grad-accum", "1"), ("schedule", "inverse-sqrt"), ("beta1", "0.9"), ("beta2", "0.98"),
    ("weight-decay", "0"), ("grad-clip", "1"), ("label-smoothing", "0.1"), ("average", "1"), ("best-by", "loss"),
    ("val-fraction", "0.05"),
  ]
}

extension Preset {
  /// Whether it is for `--pairs`.
  var isForPairs: Bool { values.contains { $0.flag == "batch-tokens" } }

  /// The grammar of `corpora`, learnt in two minutes of two cores.
  static let grammar = Preset(
    name: "grammar",
    values: [
      ("vocab-size", "1000"), ("layers", "2"), ("heads", "4"), ("embd", "128"), ("ffn", "512"), ("context", "128"),
      ("norm", "pre"), ("dropout", "0.1"), ("batch-tokens", "1024"), ("steps", "1200"), ("lr", "2e-3"),
      ("warmup", "100"), ("schedule", "cosine"), ("eval-every", "200"),
    ] + PairsRecipe.common)

  /// Multi30k, tokenised and lower-cased, in the smallest Transformer of Wu et al. 2021 (arXiv:2105.14462, §3).
  static let multi30k = Preset(
    name: "multi30k",
    values: [
      ("vocab-size", "10000"), ("split", "spaces"), ("layers", "4"), ("heads", "4"), ("embd", "128"), ("ffn", "256"),
      ("dropout", "0.3"), ("batch-tokens", "8192"), ("steps", "6500"), ("lr", "5e-3"), ("warmup", "2000"),
      ("grad-clip", "0"), ("eval-every", "250"), ("save-every", "50"), ("average", "10"),
    ] + PairsRecipe.common)

  /// The paper's base model: §3, §5. Its 25,000 target tokens an update come in eight batches.
  static let paperBase = Preset(
    name: "paper-base",
    values: [
      ("vocab-size", "37000"), ("layers", "6"), ("heads", "8"), ("embd", "512"), ("ffn", "2048"), ("dropout", "0.1"),
      ("batch-tokens", "3200"), ("grad-accum", "8"), ("steps", "100000"), ("lr", "6.987712429686843e-4"),
      ("warmup", "4000"), ("grad-clip", "0"), ("eval-every", "1500"), ("average", "5"),
    ] + PairsRecipe.common)
}
