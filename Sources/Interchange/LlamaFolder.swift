internal import MiniGPTCheckpoints
internal import MiniGPTStorage
internal import MiniGPTTensors
internal import MiniGPTTokenization
internal import MiniGPTTransformer

/// A GPT of today's shape as Hugging Face's `LlamaForCausalLM` or `Qwen3ForCausalLM`: matrices are transposed, [out, in],
/// queries, keys and values apart, gate and up too; pairs of rotary channels are halves, as ours.
struct LlamaFolder: ForeignFormat {
  let family: LlamaFamily

  let positions: [Positions] = [.rotary]
  let carries = LlamaFamily.carries
  var name: String { family.rawValue }

  func map(_ c: GPTConfiguration, _ weights: NumberFormat) -> TensorMap {
    TensorMap(
      rows: family.rows(c, .huggingFace), twins: c.isTied ? [LlamaFamily.Names.huggingFace.output] : [],
      // The frequencies, which old files carry along.
      isIgnored: { $0.hasSuffix(".rotary_emb.inv_freq") })
  }

  func settle(_ c: inout GPTConfiguration, _ tensors: TensorFolder) {}

  func tokenizer(_ folder: HuggingFaceFolder) throws(InterchangeError) -> any Tokenizer { try folder.tokenizer() }

  func marks(_ folder: HuggingFaceFolder, _ tokenizer: TextMarks) throws(InterchangeError) -> TextMarks {
    try folder.marks(tokenizer)
  }

  func refusal(_ c: GPTConfiguration) -> String? {
    // Its class asks for that even where heads have a width of their own.
    if family == .llama && c.width % c.heads != 0 { return "a width of \(c.width) that \(c.heads) heads do not divide" }
    return family.refusal(c)
  }

  // MARK: - To read

  func configuration(_ folder: HuggingFaceFolder) throws(InterchangeError) -> GPTConfiguration {
    do throws(JSONError) {
      try folder.checkArchitectures([family.architecture])
      return try configuration(folder.root)
    } catch { throw .json(error) }
  }

  private func configuration(_ root: JSONField) throws(JSONError) -> GPTConfiguration {
    func integer(_ key: String) throws(JSONError) -> Int { try root.field(key).integer(in: 1...1 << 30) }
    func optional(_ key: String) throws(JSONError) -> Int? {
      try root.optionalField(key)?.integer(in: 1...1 << 30)
    }
    try checkUnderstood(root)
    let heads = try integer("num_attention_heads"), width = try integer("hidden_size")
    var block = family.block(heads: heads, width: width, feedForwardWidth: try integer("intermediate_size"))
    // What the classes of transformers take where the file says nothing.
    let isQwen = family == .qwen3
    let keyValueHeads = try optional("num_key_value_heads") ?? (isQwen ? 32 : heads)
    block.keyValueHeads = keyValueHeads == heads ? nil : keyValueHeads
    let headWidth = try optional("head_dim") ?? (isQwen ? 128 : width / heads)
    block.headWidth = headWidth * heads == width ? nil : headWidth
    block.normEpsilon = try root.optionalField("rms_norm_eps")?.double() ?? 1e-6
    try readRotary(root, into: &block)
    block.hasBiases = try biases(root)
    var configuration = GPTConfiguration(
      vocabularySize: try integer("vocab_size"),
      context: try optional("max_position_embeddings") ?? (isQwen ? 32_768 : 2048),
      layers: try integer("num_hidden_layers"), block: block)
    configuration.isTied = try root.optionalField("tie_word_embeddings")?.bool() ?? false
    do { try configuration.validate() } catch { throw root.outside("a possible shape", "\(error)") }
    return configuration
  }

  /// The base and the scaling of the angles, which transformers 5 keeps in one object.
  private func readRotary(_ root: JSONField, into block: inout BlockConfiguration) throws(JSONError) {
    var base: Double?
    for key in ["rope_scaling", "rope_parameters"] {
      guard let parameters = try root.optionalField(key) else { continue }
      block.rotaryScaling = try scaling(parameters)
      if let other = try parameters.optionalField("rope_theta") { base = try other.double() }
    }
    if base == nil { base = try root.optionalField("rope_theta")?.double() }
    block.rotaryBase = base ?? 10_000
  }

  private func scaling(_ parameters: JSONField) throws(JSONError) -> RotaryScaling {
    var scaling = RotaryScaling()
    var named = try parameters.optionalField("rope_type")
    if named == nil { named = try parameters.optionalField("type") }
    guard let type = named else { return scaling }
    switch try type.string() {
    case "default": return scaling
    case "linear": scaling.kind = .linear
    case "llama3":
      scaling.kind = .llama3
      scaling.low = try parameters.field("low_freq_factor").double()
      scaling.high = try parameters.field("high_freq_factor").double()
      scaling.original = try parameters.field("original_max_position_embeddings").integer(in: 1...1 << 30)
    case let other: throw type.outside("`default`, `linear` or `llama3`", "`\(other)`")
    }
    scaling.factor = try parameters.field("factor").double()
    return scaling
  }

  /// As older readers have it; null where nothing is scaled.
  private func json(_ scaling: RotaryScaling) -> JSONObject? {
    switch scaling.kind {
    case .none: nil
    case .linear: ["rope_type": "linear", "factor": JSON(scaling.factor)]
    case .llama3:
      [
        "rope_type": "llama3", "factor": JSON(scaling.factor), "low_freq_factor": JSON(scaling.low),
        "high_freq_factor": JSON(scaling.high), "original_max_position_embeddings": JSON(scaling.original),
      ]
    }
  }

  /// Of all products or of none.
  private func biases(_ root: JSONField) throws(JSONError) -> Bool {
    let ofAttention = try root.optionalField("attention_bias")
    let hasBiases = try ofAttention?.bool() ?? false
    let others = family == .llama ? try root.optionalField("mlp_bias")?.bool() ?? false : false
    if let ofAttention, hasBiases != others { throw ofAttention.outside("\(others)", "\(hasBiases)") }
    if hasBiases != others { throw root.outside("`mlp_bias` to be false, as `attention_bias` is", "true") }
    return hasBiases
  }

  /// Fields that would change what is computed, were they others than these.
  private func checkUnderstood(_ root: JSONField) throws(JSONError) {
    if let activation = try root.optionalField("hidden_act") {
      let name = try activation.string()
      if Activation(huggingFace: name) != .silu { throw activation.outside("`silu`", "`\(name)`") }
    }
    for key in ["use_sliding_window", "rope_interleaved"] {
      if let field = try root.optionalField(key), try field.bool() { throw field.outside("false", "true") }
    }
    if let field = try root.optionalField("pretraining_tp"), try field.integer() != 1 {
      throw field.outside("1", "\(try field.integer())")
    }
    guard let layers = try root.optionalField("layer_types") else { return }
    for layer in try layers.array() where try layer.string() != "full_attention" {
      throw layer.outside("`full_attention`", "`\(try layer.string())`")
    }
  }

  // MARK: - To write

  func write(_ export: ModelExport<GPT>, _ tensors: [ExportedTensor], replacing: Bool) throws {
    let c = export.checkpoint.configuration, shape = c.attention, (begin, end) = export.markIds
    let scaling = json(c.rotaryScaling)
    var rotary = scaling ?? ["rope_type": "default"]
    rotary.append("rope_theta", JSON(c.rotaryBase))
    var object: JSONObject = [
      "architectures": [.string(family.architecture)], "model_type": .string(name),
      "vocab_size": JSON(c.vocabularySize), "hidden_size": JSON(c.width),
      "intermediate_size": JSON(c.feedForwardWidth), "num_hidden_layers": JSON(c.layers),
      "num_attention_heads": JSON(shape.heads), "num_key_value_heads": JSON(shape.keyValueHeads),
      "head_dim": JSON(shape.headWidth), "hidden_act": "silu", "max_position_embeddings": JSON(c.context),
      "rms_norm_eps": JSON(c.normEpsilon), "rope_theta": JSON(c.rotaryBase),
      "rope_parameters": .object(rotary), "rope_scaling": scaling.map { .object($0) } ?? .null,
      "attention_bias": .bool(c.hasBiases), "attention_dropout": 0.0, "initializer_range": 0.02,
      "tie_word_embeddings": .bool(c.isTied), "use_cache": true, "bos_token_id": begin, "eos_token_id": end,
      "pad_token_id": nil, "torch_dtype": export.weights.torch,
    ]
    switch family {
    case .llama:
      object.append("mlp_bias", .bool(c.hasBiases))
      object.append("pretraining_tp", 1)
    case .qwen3:
      object.append("use_sliding_window", false)
      object.append("sliding_window", nil)
    }
    try export.decoderFolder(.object(object), tensors, replacing: replacing)
  }
}
