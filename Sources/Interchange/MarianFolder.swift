internal import MiniGPTCheckpoints
internal import MiniGPTStorage
internal import MiniGPTTensors
internal import MiniGPTTokenization
internal import MiniGPTTransformer

/// A translator as Hugging Face has it: post-norm as Marian, pre-norm as Pegasus.
///
/// Their matrices are transposed, [out, in], and queries, keys and values are apart. The paper interleaves sines and
/// cosines; they have the sines in the first half of the channels and the cosines in the second. So every axis that is
/// the residual stream's is put into their order: columns of the embedding, inputs of q, k, v and fc1, outputs of
/// out_proj and fc2, gains and biases of norms. Weights keep their bits; logits agree to rounding, as sums have another
/// order.
struct MarianFolder: ForeignFormat {
  let norm: NormPlacement

  let positions: [Positions] = [.sinusoidal]
  var name: String {
    switch norm {
    case .post: "marian"
    case .pre: "pegasus"
    }
  }

  private var isPre: Bool { norm == .pre }

  private static let embedding = "model.shared.weight"

  /// Their channel j is our channel `order[j]`.
  private static func order(_ width: Int) -> [Int] {
    (0..<width).map { $0 < width / 2 ? 2 * $0 : 2 * ($0 - width / 2) + 1 }
  }

  func map(_ c: TranslatorConfiguration, _ weights: NumberFormat) -> TensorMap {
    let width = c.width, order = Self.order(width)
    func reading(_ theirs: String, _ ours: String, _ part: Range<Int>? = nil) -> [TensorMap.Row] {
      .linear(theirs, ours, part: part, isTransposed: true, inputOrder: order)
    }
    func adding(_ theirs: String, _ ours: String) -> [TensorMap.Row] {
      .linear(theirs, ours, isTransposed: true, outputOrder: order)
    }
    func attention(_ theirs: String, _ ours: String) -> [TensorMap.Row] {
      ["q", "k", "v"].enumerated().flatMap { index, letter in
        reading("\(theirs).\(letter)_proj", ours + ".queryKeyValue", index * width..<(index + 1) * width)
      } + adding(theirs + ".out_proj", ours + ".output")
    }
    var rows: [TensorMap.Row] = [.init(theirs: Self.embedding, ours: "tokenEmbedding", columnOrder: order)]
    for side in ["encoder", "decoder"] {
      let theirs = "model.\(side).layers.*.", ours = "\(side).blocks.*."
      rows += attention(theirs + "self_attn", ours + "attention")
      rows += .norm(theirs + "self_attn_layer_norm", ours + "attentionNorm", order: order)
      rows += attention(theirs + "encoder_attn", ours + "crossAttention")
      rows += .norm(theirs + "encoder_attn_layer_norm", ours + "crossAttentionNorm", order: order)
      rows += reading(theirs + "fc1", ours + "feedForward.up") + adding(theirs + "fc2", ours + "feedForward.down")
      rows += .norm(theirs + "final_layer_norm", ours + "feedForwardNorm", order: order)
    }
    for side in ["encoder", "decoder"] {
      rows += .norm("model.\(side).layer_norm", "\(side).finalNorm", order: order)
    }
    return TensorMap(
      rows: rows, constants: [bias(c, weights)] + ["encoder", "decoder"].map { positions(c, $0) },
      twins: ["lm_head.weight", "model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight"])
  }

  /// What is added to logits: `<pad>`, the only id that a logit is taken from, is never said. As much as the format has
  /// room for.
  private func bias(_ c: TranslatorConfiguration, _ weights: NumberFormat) -> TensorMap.Constant {
    let name = "final_logits_bias", size = c.vocabularySize
    return .init(
      name: name, shape: [1, size],
      value: {
        var values = [Float](repeating: 0, count: size)
        values[size - 1] = weights == .f16 ? -60_000 : -1e9
        return FileMatrix(rows: 1, columns: size, values)
      },
      refusal: { bias in
        bias.numbers(rows: 0..<1).dropLast().contains { $0 != 0 }
          ? "\(name) is not zero: minigpt adds nothing to logits" : nil
      })
  }

  /// The table of positions in their order, which Marian's files leave out.
  private func positions(_ c: TranslatorConfiguration, _ side: String) -> TensorMap.Constant {
    let name = "model.\(side).embed_positions.weight"
    @Sendable func table() -> FileMatrix {
      let table: PlainMatrix<Float> = PositionalEncoding.table(rows: c.context, width: c.width)
      return FileMatrix(rows: c.context, columns: c.width, table.elements).columnOrder(Self.order(c.width))
    }
    return .init(
      name: name, shape: [c.context, c.width], isWritten: isPre, value: table,
      refusal: { $0.isNear(table(), 0.01) ? nil : "tensor \(name) is not the table of sines and cosines" })
  }

  /// `<pad>` begins every target as a row of zeros.
  func settle(_ c: inout TranslatorConfiguration, _ tensors: TensorFolder) throws(InterchangeError) {
    let last = c.vocabularySize - 1, table = try tensors.matrix(Self.embedding, [c.vocabularySize, c.width])
    if table.numbers(rows: last..<c.vocabularySize).contains(where: { $0 != 0 }) {
      throw .unsupported(tensors.path, "the embedding of `<pad>` (id \(last)) is not zero")
    }
  }

  func tokenizer(_ folder: HuggingFaceFolder) throws(InterchangeError) -> any Tokenizer {
    let path = folder.path
    let pieces = ["source.spm", "spiece.model", "sentencepiece.bpe.model"].map { path.appending($0) }
    if !Files.exists(path.appending("tokenizer.json")), let model = pieces.first(where: Files.exists) {
      throw .unsupported(model, "a vocabulary of SentencePiece; minigpt reads tokenizer.json with byte-level BPE")
    }
    let tokenizer = try folder.tokenizer(), last = tokenizer.vocabularySize - 1
    let wanted = [(SpecialToken.endOfSentence, 0), (SpecialToken.unknown, 1), (SpecialToken.padding, last)]
    for (name, id) in wanted where tokenizer.id(of: name).map(Int.init) != id {
      throw .contradiction(path, "its tokenizer must have the special token \(name) as id \(id)")
    }
    return tokenizer
  }

  // MARK: - config.json

  func refusal(_ c: TranslatorConfiguration) -> String? {
    c.norm == norm ? nil : "\(c.norm.rawValue)-norm blocks, which \(name) does not have"
  }

  func write(_ export: ModelExport<EncoderDecoder>, _ tensors: [ExportedTensor], replacing: Bool) throws {
    let c = export.checkpoint.configuration
    let pad = JSON(Int(c.padding)), end = JSON(Int(TranslatorConfiguration.endOfSentence))
    try export.huggingFace(
      configuration: [
        "architectures": [isPre ? "PegasusForConditionalGeneration" : "MarianMTModel"], "model_type": .string(name),
        "vocab_size": JSON(c.vocabularySize), "decoder_vocab_size": JSON(c.vocabularySize), "d_model": JSON(c.width),
        "encoder_layers": JSON(c.encoderLayers), "decoder_layers": JSON(c.decoderLayers),
        "num_hidden_layers": JSON(c.encoderLayers), "encoder_attention_heads": JSON(c.heads),
        "decoder_attention_heads": JSON(c.heads), "encoder_ffn_dim": JSON(c.feedForwardWidth),
        "decoder_ffn_dim": JSON(c.feedForwardWidth), "max_position_embeddings": JSON(c.context),
        "activation_function": c.activation.huggingFace, "scale_embedding": true, "static_position_embeddings": true,
        "normalize_before": .bool(isPre), "normalize_embedding": false, "add_final_layer_norm": .bool(isPre),
        "dropout": 0.0, "attention_dropout": 0.0, "activation_dropout": 0.0, "encoder_layerdrop": 0.0,
        "decoder_layerdrop": 0.0, "init_std": 0.02, "pad_token_id": pad, "eos_token_id": end, "bos_token_id": nil,
        "decoder_start_token_id": pad, "forced_eos_token_id": end, "is_encoder_decoder": true,
        "share_encoder_decoder_embeddings": true, "tie_word_embeddings": true, "use_cache": true,
        "torch_dtype": export.weights.torch,
      ],
      generation: [
        "decoder_start_token_id": pad, "eos_token_id": end, "pad_token_id": pad, "forced_eos_token_id": end,
        "bad_words_ids": [[pad]], "num_beams": 1, "max_length": JSON(c.context),
      ],
      specials: [
        ("eos_token", .string(SpecialToken.endOfSentence)), ("unk_token", .string(SpecialToken.unknown)),
        ("pad_token", .string(SpecialToken.padding)),
      ], tensors, replacing: replacing)
  }

  func configuration(_ folder: HuggingFaceFolder) throws(InterchangeError) -> TranslatorConfiguration {
    do throws(JSONError) {
      try folder.checkArchitectures(
        isPre ? ["PegasusForConditionalGeneration", "PegasusModel"] : ["MarianMTModel", "MarianModel"])
      return try configuration(folder.root)
    } catch { throw .json(error) }
  }

  private func configuration(_ root: JSONField) throws(JSONError) -> TranslatorConfiguration {
    func need(_ key: String, _ expected: Bool, missing: Bool) throws(JSONError) {
      let field = try root.optionalField(key)
      if try field?.bool() ?? missing != expected {
        throw root.outside("`\(key)` to be \(expected)", "\(!expected)")
      }
    }
    try need("scale_embedding", true, missing: false)
    try need("tie_word_embeddings", true, missing: true)
    try need("share_encoder_decoder_embeddings", true, missing: true)
    func integer(_ key: String) throws(JSONError) -> Int { try root.field(key).integer(in: 1...1 << 30) }
    func twice(_ one: String, _ other: String) throws(JSONError) -> Int {
      let value = try integer(one)
      let second = try root.field(other)
      if try second.integer() != value { throw second.outside("\(value), as `\(one)`", "\(try second.integer())") }
      return value
    }
    let name = try root.optionalField("activation_function")?.string() ?? (isPre ? "relu" : "gelu")
    guard let activation = Activation(huggingFace: name) else {
      throw root.outside("`activation_function` to be `gelu_new`, `relu`, `relu2` or `silu`", "`\(name)`")
    }
    let configuration = TranslatorConfiguration(
      vocabularySize: try integer("vocab_size"), context: try integer("max_position_embeddings"),
      encoderLayers: try integer("encoder_layers"), decoderLayers: try integer("decoder_layers"),
      heads: try twice("encoder_attention_heads", "decoder_attention_heads"), width: try integer("d_model"),
      feedForwardWidth: try twice("encoder_ffn_dim", "decoder_ffn_dim"), positions: .sinusoidal, norm: norm,
      activation: activation)
    do { try configuration.validate() } catch { throw root.outside("a possible shape", "\(error)") }
    for (key, id) in [
      ("eos_token_id", TranslatorConfiguration.endOfSentence), ("pad_token_id", configuration.padding),
      ("decoder_start_token_id", configuration.padding),
    ] {
      let field = try root.field(key)
      if try field.integer() != Int(id) {
        throw field.outside(
          "\(id): `</s>` is 0, `<pad>` the last id and the first of every target", "\(try field.integer())")
      }
    }
    return configuration
  }
}
