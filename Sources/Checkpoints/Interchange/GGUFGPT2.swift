internal import MiniGPTStorage
internal import MiniGPTTensors
internal import MiniGPTTokenization
internal import MiniGPTTransformer

/// A GPT as GGUF's architecture `gpt2`: matrices are turned round, [out, in]; rows and embeddings stay as they are.
enum GGUFGPT2 {
  /// Ours, which other readers pass over: positions that GGUF has only as a table.
  static let positionsKey = "minigpt.positions"

  static let positionTable = "position_embd.weight"

  /// All tensors but the table of positions, each with its place among our parameters.
  static func tensors(_ model: GPT) -> [(name: String, slot: Slot, isTurned: Bool)] {
    var list: [(name: String, slot: Slot, isTurned: Bool)] = [("token_embd.weight", model.embedding.table, false)]
    func add(_ name: String, _ norm: LayerNorm) {
      list += [(name + ".weight", norm.gain, false), (name + ".bias", norm.bias, false)]
    }
    func add(_ name: String, _ linear: Linear) {
      list += [(name + ".weight", linear.weight, true), (name + ".bias", linear.bias, false)]
    }
    for (index, block) in model.decoder.blocks.enumerated() {
      let name = "blk.\(index)."
      add(name + "attn_norm", block.attentionNorm.norm)
      add(name + "attn_qkv", block.attention.queryKeyValue)
      add(name + "attn_output", block.attention.output)
      add(name + "ffn_norm", block.feedForwardNorm.norm)
      add(name + "ffn_up", block.feedForward.up)
      add(name + "ffn_down", block.feedForward.down)
    }
    if let norm = model.finalNorm { add("output_norm", norm) }
    return list
  }

  /// The name under which llama.cpp knows a rule that cuts texts; nil where it knows none.
  static func rule(_ splitter: Splitter) -> String? {
    switch splitter {
    case .gpt2: "gpt-2"
    case .cl100k: "dbrx"
    case .o200k, .spaces, .none: nil
    }
  }

  /// The rule of that name.
  static func splitter(_ rule: String) -> Splitter? {
    [Splitter.gpt2, .cl100k].first { JSON.Key(self.rule($0) ?? "") == JSON.Key(rule) }
  }
}
