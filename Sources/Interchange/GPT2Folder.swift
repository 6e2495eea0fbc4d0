internal import MiniGPTCheckpoints
internal import MiniGPTStorage
internal import MiniGPTTensors
internal import MiniGPTTokenization
internal import MiniGPTTransformer

/// A GPT as Hugging Face's `GPT2LMHeadModel`: the same layers, the same orientation, other names.
struct GPT2Folder: ForeignFormat {
  let name = "gpt2"
  let positions = Positions.ofGPT2
  /// Ours, in `config.json`: positions that GPT-2 has only as a table.
  private static let positionsKey: JSON.Key = "minigpt_positions"
  private static let positionTable = "wpe.weight"

  private static let rows: [TensorMap.Row] =
    [.init(theirs: "wte.weight", ours: "tokenEmbedding")]
    + .norm("h.*.ln_1", "blocks.*.attentionNorm")
    + .linear("h.*.attn.c_attn", "blocks.*.attention.queryKeyValue", isTransposed: false)
    + .linear("h.*.attn.c_proj", "blocks.*.attention.output", isTransposed: false)
    + .norm("h.*.ln_2", "blocks.*.feedForwardNorm")
    + .linear("h.*.mlp.c_fc", "blocks.*.feedForward.up", isTransposed: false)
    + .linear("h.*.mlp.c_proj", "blocks.*.feedForward.down", isTransposed: false)
    + .norm("ln_f", "finalNorm")
    + [.init(theirs: positionTable, ours: "positionEmbedding")]

  func map(_ c: GPTConfiguration, _ weights: NumberFormat) -> TensorMap {
    TensorMap(
      rows: Self.rows, constants: c.fixedPositions(Self.positionTable), prefix: "transformer.",
      twins: ["lm_head.weight"],
      // The causal mask, which old files carry along.
      isIgnored: { name in
        name.hasPrefix("h.") && (name.hasSuffix(".attn.bias") || name.hasSuffix(".attn.masked_bias"))
      })
  }

  func settle(_ c: inout GPTConfiguration, _ tensors: TensorFolder) throws(InterchangeError) {
    let prefix = map(c, .fp32).prefix(in: tensors)
    c.comparePositions(try tensors.matrix(prefix + Self.positionTable, [c.context, c.width]))
  }

  func tokenizer(_ folder: HuggingFaceFolder) throws(InterchangeError) -> any Tokenizer { try folder.tokenizer() }

  func marks(_ folder: HuggingFaceFolder, _ tokenizer: TextMarks) throws(InterchangeError) -> TextMarks {
    try folder.marks(tokenizer)
  }

  func configuration(_ folder: HuggingFaceFolder) throws(InterchangeError) -> GPTConfiguration {
    do throws(JSONError) {
      try folder.checkArchitectures(["GPT2LMHeadModel", "GPT2Model"])
      return try configuration(folder.root)
    } catch { throw .json(error) }
  }

  private func configuration(_ root: JSONField) throws(JSONError) -> GPTConfiguration {
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
    let width = try integer("n_embd"), field = try root.optionalField("activation_function")
    let name = try field?.string() ?? "gelu_new"
    guard let activation = Activation(huggingFace: name) else {
      throw (field ?? root).outside("`gelu_new`, `relu`, `relu2` or `silu`", "`\(name)`")
    }
    let configuration = GPTConfiguration(
      vocabularySize: try integer("vocab_size"), context: try integer("n_positions"), layers: try integer("n_layer"),
      heads: try integer("n_head"), width: width,
      feedForwardWidth: try root.optionalField("n_inner")?.integer(in: 1...1 << 30) ?? 4 * width,
      positions: try root.optionalField(Self.positionsKey.text)?.choice(Positions.self) ?? .learned, norm: .pre,
      activation: activation)
    do { try configuration.validate() } catch { throw root.outside("a possible shape", "\(error)") }
    return configuration
  }

  func refusal(_ c: GPTConfiguration) -> String? {
    switch c.norm {
    case .pre: nil
    case .post: "post-norm blocks, which GPT-2 does not have"
    }
  }

  func write(_ export: ModelExport<GPT>, _ tensors: [ExportedTensor], replacing: Bool) throws {
    let c = export.checkpoint.configuration, (begin, end) = export.markIds
    var object: JSONObject = [
      "architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "vocab_size": JSON(c.vocabularySize),
      "n_positions": JSON(c.context), "n_ctx": JSON(c.context), "n_embd": JSON(c.width), "n_layer": JSON(c.layers),
      "n_head": JSON(c.heads), "n_inner": JSON(c.feedForwardWidth), "activation_function": c.activation.huggingFace,
      "layer_norm_epsilon": 1e-5, "attn_pdrop": 0.0, "embd_pdrop": 0.0, "resid_pdrop": 0.0, "initializer_range": 0.02,
      "scale_attn_weights": true, "scale_attn_by_inverse_layer_idx": false, "reorder_and_upcast_attn": false,
      "tie_word_embeddings": true, "use_cache": true, "bos_token_id": begin, "eos_token_id": end,
      "torch_dtype": export.weights.torch,
    ]
    if let positions = c.statedPositions { object.append(Self.positionsKey, .string(positions)) }
    try export.decoderFolder(.object(object), tensors, replacing: replacing)
  }
}
