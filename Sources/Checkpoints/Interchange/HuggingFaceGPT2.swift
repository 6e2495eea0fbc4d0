internal import MiniGPTStorage
internal import MiniGPTTensors
internal import MiniGPTTransformer

/// A GPT as Hugging Face's `GPT2LMHeadModel`: the same layers, the same orientation, other names.
enum HuggingFaceGPT2 {
  /// What all names begin with; files of OpenAI leave it out.
  static let prefix = "transformer."
  /// Ours, in `config.json`: positions that GPT-2 has only as a table.
  static let positionsKey: JSON.Key = "minigpt_positions"

  /// All tensors but the table of positions, each with its place among our parameters.
  static func tensors(_ model: GPT) -> [(name: String, slot: Slot)] {
    var list: [(name: String, slot: Slot)] = [("wte.weight", model.embedding.table)]
    func add(_ name: String, _ norm: LayerNorm) {
      list += [(name + ".weight", norm.gain), (name + ".bias", norm.bias)]
    }
    func add(_ name: String, _ linear: Linear) {
      list += [(name + ".weight", linear.weight), (name + ".bias", linear.bias)]
    }
    for (index, block) in model.decoder.blocks.enumerated() {
      let name = "h.\(index)."
      add(name + "ln_1", block.attentionNorm.norm)
      add(name + "attn.c_attn", block.attention.queryKeyValue)
      add(name + "attn.c_proj", block.attention.output)
      add(name + "ln_2", block.feedForwardNorm.norm)
      add(name + "mlp.c_fc", block.feedForward.up)
      add(name + "mlp.c_proj", block.feedForward.down)
    }
    if let norm = model.finalNorm { add("ln_f", norm) }
    return list
  }

  /// The table of positions of a model that does not learn it, as its generator adds it.
  static func fixedPositions(_ configuration: GPTConfiguration) -> FileMatrix? {
    let rows = configuration.context, columns = configuration.width
    switch configuration.positions {
    case .learned: return nil
    case .sinusoidal:
      let table: PlainMatrix<Float> = PositionalEncoding.table(
        rows: rows, width: columns, scale: PositionalEncoding.gptScale())
      return FileMatrix(rows: rows, columns: columns, table.elements)
    case .none:
      return FileMatrix(rows: rows, columns: columns, [Float](repeating: 0, count: rows * columns))
    }
  }

  /// `config.json`.
  static func configuration(_ c: GPTConfiguration, end: JSON, weights: NumberType) -> JSON {
    var object: JSONObject = [
      "architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "vocab_size": JSON(c.vocabularySize),
      "n_positions": JSON(c.context), "n_ctx": JSON(c.context), "n_embd": JSON(c.width), "n_layer": JSON(c.layers),
      "n_head": JSON(c.heads), "n_inner": JSON(c.feedForwardWidth),
      "activation_function": c.activation == .gelu ? "gelu_new" : "relu", "layer_norm_epsilon": 1e-5,
      "attn_pdrop": 0.0, "embd_pdrop": 0.0, "resid_pdrop": 0.0, "initializer_range": 0.02,
      "scale_attn_weights": true, "scale_attn_by_inverse_layer_idx": false, "reorder_and_upcast_attn": false,
      "tie_word_embeddings": true, "use_cache": true, "bos_token_id": end, "eos_token_id": end,
      "torch_dtype": JSON(weights.torch),
    ]
    if c.positions != .learned { object.append(positionsKey, JSON(c.positions.rawValue)) }
    return .object(object)
  }

  /// The shape that a `config.json` describes, the table of positions taken as learned. What minigpt is not is refused
  /// by its name.
  static func configuration(_ root: JSONField) throws(JSONError) -> GPTConfiguration {
    func need(_ key: String, _ expected: Bool) throws(JSONError) {
      guard let field = try root.optionalField(key) else { return }
      if try field.bool() != expected { throw field.outside("\(expected)", "\(!expected)") }
    }
    try need("scale_attn_weights", true)
    try need("tie_word_embeddings", true)
    try need("scale_attn_by_inverse_layer_idx", false)
    try need("add_cross_attention", false)
    if let epsilon = try root.optionalField("layer_norm_epsilon"), try abs(epsilon.double() - 1e-5) > 1e-11 {
      throw epsilon.outside("1e-05", "\(try epsilon.double())")
    }
    func integer(_ key: String) throws(JSONError) -> Int { try root.field(key).integer(in: 1...1 << 30) }
    let width = try integer("n_embd")
    let configuration = GPTConfiguration(
      vocabularySize: try integer("vocab_size"), context: try integer("n_positions"), layers: try integer("n_layer"),
      heads: try integer("n_head"), width: width,
      feedForwardWidth: try root.optionalField("n_inner")?.integer(in: 1...1 << 30) ?? 4 * width,
      positions: .learned, norm: .pre, activation: try activation(root.optionalField("activation_function")))
    do { try configuration.validate() } catch { throw root.outside("a possible shape", "\(error)") }
    return configuration
  }

  /// Three names are the same formula.
  private static func activation(_ field: JSONField?) throws(JSONError) -> Activation {
    guard let field else { return .gelu }
    switch try field.string() {
    case "gelu_new", "gelu_pytorch_tanh", "gelu_fast": return .gelu
    case "relu": return .relu
    case let other: throw field.outside("`gelu_new` or `relu`", "`\(other)`")
    }
  }

  /// Tensors that old files carry along and that say nothing: the causal mask.
  static func isMask(_ name: String) -> Bool {
    name.hasPrefix("h.") && (name.hasSuffix(".attn.bias") || name.hasSuffix(".attn.masked_bias"))
  }
}
