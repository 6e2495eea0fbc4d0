internal import MiniGPTStorage
internal import MiniGPTTensors
internal import MiniGPTTransformer

/// Today's decoders of other programs: rotary positions, RMS norms before each layer, SwiGLU. Touvron et al. 2023
/// (arXiv:2302.13971), §2.2; Qwen3 (arXiv:2505.09388), §2, has norms on queries and keys.
enum LlamaFamily: String, Sendable {
  case llama, qwen3

  /// What of a shape the family can say; the rest of the unusual it refuses.
  static let carries = [
    "kv-heads", "head-width", "norm-kind", "norm-eps", "gated", "qk-norm", "biases", "rope-base", "rope-scaling",
    "rope-factor",
    "rope-low", "rope-high", "rope-original", "tied",
  ]

  /// Hugging Face's class.
  var architecture: String {
    switch self {
    case .llama: "LlamaForCausalLM"
    case .qwen3: "Qwen3ForCausalLM"
    }
  }

  /// Why a model with rotary positions is none of the family; nil where it is one.
  func refusal(_ c: GPTConfiguration) -> String? {
    let block = c.block
    func without(_ what: String) -> String { "\(what), which \(rawValue) does not have" }
    if block.norm != .pre { return without("post-norm blocks") }
    if block.normKind != .rms { return without("layer norms") }
    if block.activation != .silu { return without("activation \(block.activation.rawValue)") }
    if !block.isGated { return without("a feed-forward layer without gate") }
    switch self {
    case .llama: return block.normalizesQueriesAndKeys ? without("norms of queries and keys") : nil
    case .qwen3:
      if !block.normalizesQueriesAndKeys { return without("queries and keys without norms") }
      return block.hasBiases ? without("biases") : nil
    }
  }

  /// A block of the family, of some sizes.
  func block(heads: Int, width: Int, feedForwardWidth: Int) -> BlockConfiguration {
    var block = BlockConfiguration(
      heads: heads, width: width, feedForwardWidth: feedForwardWidth, positions: .rotary, activation: .silu)
    (block.normKind, block.isGated, block.hasBiases) = (.rms, true, false)
    block.normalizesQueriesAndKeys = self == .qwen3
    return block
  }

  /// Their tensors and ours. `order` says, of some heads, how a file orders the channels of queries and keys.
  func rows(
    _ c: GPTConfiguration, _ names: Names, order: (_ heads: Int) -> [Int]? = { _ in nil }
  ) -> [TensorMap.Row] {
    let shape = c.attention, width = c.feedForwardWidth, ours = "blocks.*."
    func projection(_ name: String, _ part: Range<Int>, _ order: [Int]? = nil) -> [TensorMap.Row] {
      .linear(
        names.block + name, ours + "attention.queryKeyValue", part: part, isTransposed: true, outputOrder: order)
    }
    func matrix(_ name: String, _ own: String, part: Range<Int>? = nil) -> [TensorMap.Row] {
      .linear(names.block + name, ours + own, part: part, isTransposed: true)
    }
    func gain(_ name: String, _ own: String) -> TensorMap.Row {
      .init(theirs: names.block + name + ".weight", ours: ours + own + ".gain")
    }
    var rows: [TensorMap.Row] = [.init(theirs: names.embedding, ours: "tokenEmbedding")]
    rows.append(gain(names.attentionNorm, "attentionNorm"))
    rows += projection(names.query, shape.queries, order(shape.heads))
    rows += projection(names.key, shape.keys, order(shape.keyValueHeads)) + projection(names.value, shape.values)
    rows.append(gain(names.queryNorm, "attention.queryNorm"))
    rows.append(gain(names.keyNorm, "attention.keyNorm"))
    rows += matrix(names.attentionOutput, "attention.output")
    rows.append(gain(names.feedForwardNorm, "feedForwardNorm"))
    rows += matrix(names.gate, "feedForward.gateUp", part: 0..<width)
    rows += matrix(names.up, "feedForward.gateUp", part: width..<2 * width)
    rows += matrix(names.down, "feedForward.down")
    rows.append(.init(theirs: names.finalNorm, ours: "finalNorm.gain"))
    rows.append(.init(theirs: names.output, ours: OutputProjection.name))
    return rows
  }

  /// What a container calls the tensors.
  struct Names: Sendable {
    let embedding: String
    /// Before the names of a block's.
    let block: String
    let attentionNorm: String
    let query: String, key: String, value: String, attentionOutput: String
    let queryNorm: String, keyNorm: String
    let feedForwardNorm: String
    let gate: String, up: String, down: String
    let finalNorm: String
    let output: String

    static let huggingFace = Names(
      embedding: "model.embed_tokens.weight", block: "model.layers.*.", attentionNorm: "input_layernorm",
      query: "self_attn.q_proj", key: "self_attn.k_proj", value: "self_attn.v_proj",
      attentionOutput: "self_attn.o_proj", queryNorm: "self_attn.q_norm", keyNorm: "self_attn.k_norm",
      feedForwardNorm: "post_attention_layernorm", gate: "mlp.gate_proj", up: "mlp.up_proj", down: "mlp.down_proj",
      finalNorm: "model.norm.weight", output: "lm_head.weight")

    static let gguf = Names(
      embedding: "token_embd.weight", block: "blk.*.", attentionNorm: "attn_norm", query: "attn_q", key: "attn_k",
      value: "attn_v", attentionOutput: "attn_output", queryNorm: "attn_q_norm", keyNorm: "attn_k_norm",
      feedForwardNorm: "ffn_norm", gate: "ffn_gate", up: "ffn_up", down: "ffn_down", finalNorm: "output_norm.weight",
      output: "output.weight")
  }
}
