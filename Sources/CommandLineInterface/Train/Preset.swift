/// A named recipe: values of flags, as they would be typed.
struct Preset: Sendable {
  let name: String
  let values: [(flag: String, value: String)]

  static let all = [nanoGPTOnCPU, nanoGPT, gpt2, grammar, multi30k, paperBase]

  static func named(_ name: String) -> Preset? { all.first { $0.name == name } }

  /// nanoGPT's recipe for a machine without a GPU: its README, and config/train_shakespeare_char.py.
  static let nanoGPTOnCPU = Preset(
    name: "nanogpt-cpu",
    values: [
      ("tokenizer", "char"), ("layers", "4"), ("heads", "4"), ("embd", "128"), ("context", "64"),
      ("batch-size", "12"), ("steps", "2000"), ("lr", "1e-3"), ("min-lr", "1e-4"), ("warmup", "100"),
      ("schedule", "cosine"), ("beta2", "0.99"), ("weight-decay", "0.1"), ("grad-clip", "1"), ("dropout", "0"),
      ("eval-every", "250"), ("val-fraction", "0.1"),
    ])

  /// nanoGPT's recipe for Shakespeare's characters: config/train_shakespeare_char.py.
  static let nanoGPT = Preset(
    name: "nanogpt",
    values: [
      ("tokenizer", "char"), ("layers", "6"), ("heads", "6"), ("embd", "384"), ("context", "256"),
      ("batch-size", "64"), ("steps", "5000"), ("lr", "1e-3"), ("min-lr", "1e-4"), ("warmup", "100"),
      ("schedule", "cosine"), ("beta2", "0.99"), ("weight-decay", "0.1"), ("grad-clip", "1"), ("dropout", "0.2"),
      ("eval-every", "250"), ("val-fraction", "0.1"),
    ])

  /// The smallest GPT-2, with nanoGPT's rates: config/train_gpt2.py, for one machine.
  static let gpt2 = Preset(
    name: "gpt2",
    values: [
      ("tokenizer", "bpe"), ("vocab-size", "50257"), ("layers", "12"), ("heads", "12"), ("embd", "768"),
      ("context", "1024"), ("batch-size", "12"), ("grad-accum", "40"), ("steps", "600000"), ("lr", "6e-4"),
      ("min-lr", "6e-5"), ("warmup", "2000"), ("schedule", "cosine"), ("beta2", "0.95"), ("weight-decay", "0.1"),
      ("grad-clip", "1"), ("dropout", "0"), ("eval-every", "1000"),
    ])

  /// Gives its values to all flags that have none yet. A size or a split is left alone where the tokenizer is not bpe.
  func fill(_ command: inout TrainCommand) {
    let isBPE = command.tokenizer.map { $0.elementsEqual("bpe".utf8) } ?? true
    let presetRate = values.first { $0.flag == "lr" }.flatMap { StrictNumber.decimal(Array($0.value.utf8)) }
    for (flag, value) in values {
      // A model that is there already has its own shape and tokenizer.
      if command.initial != nil && TrainCommand.modelFlags.contains(flag) { continue }
      if (flag == "vocab-size" || flag == "split") && !isBPE { continue }
      // A typed rate takes its own tenth along, not the preset's end.
      if flag == "min-lr" && command.learningRate != nil && command.learningRate != presetRate { continue }
      if flag == "steps" && command.epochs != nil { continue }
      if flag == "val-fraction" && (command.validation != nil || command.validationPairs != nil) { continue }
      for option in TrainCommand.options where option.name == flag && option.show(command).isEmpty {
        _ = option.set(&command, Array(value.utf8))
      }
    }
  }
}
