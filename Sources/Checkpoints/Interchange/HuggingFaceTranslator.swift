internal import MiniGPTStorage
internal import MiniGPTTensors
internal import MiniGPTTransformer

/// A translator as Hugging Face has it: post-norm as Marian, pre-norm as Pegasus.
///
/// Their matrices are turned round, [out, in], and queries, keys and values are apart. The paper interleaves sines and
/// cosines; they lay the sines in the first half of the channels and the cosines in the second. So every axis that is the
/// residual stream's is put into their order: columns of the embedding, inputs of q, k, v and fc1, outputs of out_proj
/// and fc2, gains and biases of norms. Weights keep their bits; logits agree to rounding, as sums have another order.
enum HuggingFaceTranslator {
  /// A tensor of theirs and where its numbers are among our parameters.
  struct Piece {
    let name: String
    let slot: Slot
    /// Those columns of ours: queries, keys or values; nil for all.
    let part: Range<Int>?
    /// Whether a matrix is turned round.
    let isTurned: Bool
    /// Whether ours has the stream along its rows, or along its columns.
    let streamRows: Bool
    let streamColumns: Bool
    /// A row is written with one dimension.
    let isRow: Bool

    /// Their dimensions.
    var shape: [Int] {
      let columns = part?.count ?? slot.columns
      return isRow ? [columns] : isTurned ? [columns, slot.rows] : [slot.rows, columns]
    }
  }

  /// Their channel j is our channel `order[j]`.
  static func order(_ width: Int) -> [Int] {
    (0..<width).map { $0 < width / 2 ? 2 * $0 : 2 * ($0 - width / 2) + 1 }
  }

  /// Our channel i is their channel `backOrder[i]`.
  static func backOrder(_ width: Int) -> [Int] {
    (0..<width).map { $0 % 2 == 0 ? $0 / 2 : width / 2 + $0 / 2 }
  }

  static let embedding = "model.shared.weight"
  static let bias = "final_logits_bias"
  static func positions(_ side: String) -> String { "model.\(side).embed_positions.weight" }

  /// All tensors that hold parameters of ours.
  static func pieces(_ model: EncoderDecoder) -> [Piece] {
    let width = model.configuration.width
    var list = [
      Piece(
        name: embedding, slot: model.sourceEmbedding.table, part: nil, isTurned: false, streamRows: false,
        streamColumns: true, isRow: false)
    ]
    func add(_ name: String, _ linear: Linear, _ part: Range<Int>? = nil, readsStream: Bool) {
      list.append(
        Piece(
          name: name + ".weight", slot: linear.weight, part: part, isTurned: true, streamRows: readsStream,
          streamColumns: !readsStream, isRow: false))
      list.append(
        Piece(
          name: name + ".bias", slot: linear.bias, part: part, isTurned: false, streamRows: false,
          streamColumns: !readsStream, isRow: true))
    }
    func add(_ name: String, _ norm: LayerNorm) {
      for (ending, slot) in [(".weight", norm.gain), (".bias", norm.bias)] {
        list.append(
          Piece(
            name: name + ending, slot: slot, part: nil, isTurned: false, streamRows: false, streamColumns: true,
            isRow: true))
      }
    }
    func add(_ name: String, _ attention: MultiHeadAttention) {
      for (index, letter) in ["q", "k", "v"].enumerated() {
        add(
          "\(name).\(letter)_proj", attention.queryKeyValue, index * width..<(index + 1) * width, readsStream: true)
      }
      add("\(name).out_proj", attention.output, readsStream: false)
    }
    func add(_ name: String, _ feedForward: FeedForward) {
      add(name + "fc1", feedForward.up, readsStream: true)
      add(name + "fc2", feedForward.down, readsStream: false)
    }
    for (index, block) in model.encoder.blocks.enumerated() {
      let name = "model.encoder.layers.\(index)."
      add(name + "self_attn", block.attention)
      add(name + "self_attn_layer_norm", block.attentionNorm.norm)
      add(name, block.feedForward)
      add(name + "final_layer_norm", block.feedForwardNorm.norm)
    }
    for (index, block) in model.decoder.blocks.enumerated() {
      let name = "model.decoder.layers.\(index)."
      add(name + "self_attn", block.attention)
      add(name + "self_attn_layer_norm", block.attentionNorm.norm)
      if let attention = block.crossAttention, let norm = block.crossAttentionNorm?.norm {
        add(name + "encoder_attn", attention)
        add(name + "encoder_attn_layer_norm", norm)
      }
      add(name, block.feedForward)
      add(name + "final_layer_norm", block.feedForwardNorm.norm)
    }
    if let norm = model.encoderNorm { add("model.encoder.layer_norm", norm) }
    if let norm = model.decoderNorm { add("model.decoder.layer_norm", norm) }
    return list
  }

  /// Their tensor, from our parameter.
  static func theirs(_ piece: Piece, _ ours: FileMatrix, width: Int) -> FileMatrix {
    let order = order(width)
    let part = piece.part.map { ours.columns($0) } ?? ours
    if !piece.isTurned { return part.columnOrder(piece.streamColumns ? order : nil) }
    // Turned round, our rows are their columns.
    return part.transposed.columnOrder(piece.streamRows ? order : nil).rowOrder(piece.streamColumns ? order : nil)
  }

  /// A part of our parameter, from their tensor.
  static func ours(_ piece: Piece, _ theirs: FileMatrix, width: Int) -> FileMatrix {
    let order = backOrder(width)
    let plain = piece.isTurned ? theirs.transposed : theirs
    return plain.columnOrder(piece.streamColumns ? order : nil).rowOrder(piece.streamRows ? order : nil)
  }

  /// The table of positions in their order.
  static func positions(_ c: TranslatorConfiguration) -> FileMatrix {
    let table: PlainMatrix<Float> = PositionalEncoding.table(rows: c.context, width: c.width)
    return FileMatrix(rows: c.context, columns: c.width, table.elements).columnOrder(order(c.width))
  }

  /// What is added to logits: `<pad>` is never said. As much as the type has room for.
  static func logitsBias(_ c: TranslatorConfiguration, _ type: NumberType) -> FileMatrix {
    var values = [Float](repeating: 0, count: c.vocabularySize)
    values[c.vocabularySize - 1] = type == .f16 ? -60_000 : -1e9
    return FileMatrix(rows: 1, columns: c.vocabularySize, values)
  }

  // MARK: - config.json

  static func configuration(_ c: TranslatorConfiguration, weights: NumberType) -> JSON {
    let isPre = c.norm == .pre, pad = JSON(Int(c.padding)), end = JSON(Int(TranslatorConfiguration.endOfSentence))
    return [
      "architectures": [isPre ? "PegasusForConditionalGeneration" : "MarianMTModel"],
      "model_type": isPre ? "pegasus" : "marian", "vocab_size": JSON(c.vocabularySize),
      "decoder_vocab_size": JSON(c.vocabularySize), "d_model": JSON(c.width), "encoder_layers": JSON(c.encoderLayers),
      "decoder_layers": JSON(c.decoderLayers), "num_hidden_layers": JSON(c.encoderLayers),
      "encoder_attention_heads": JSON(c.heads), "decoder_attention_heads": JSON(c.heads),
      "encoder_ffn_dim": JSON(c.feedForwardWidth), "decoder_ffn_dim": JSON(c.feedForwardWidth),
      "max_position_embeddings": JSON(c.context), "activation_function": c.activation == .relu ? "relu" : "gelu_new",
      "scale_embedding": true, "static_position_embeddings": true, "normalize_before": .bool(isPre),
      "normalize_embedding": false, "add_final_layer_norm": .bool(isPre), "dropout": 0.0, "attention_dropout": 0.0,
      "activation_dropout": 0.0, "encoder_layerdrop": 0.0, "decoder_layerdrop": 0.0, "init_std": 0.02,
      "pad_token_id": pad, "eos_token_id": end, "bos_token_id": nil, "decoder_start_token_id": pad,
      "forced_eos_token_id": end, "is_encoder_decoder": true, "share_encoder_decoder_embeddings": true,
      "tie_word_embeddings": true, "use_cache": true, "torch_dtype": JSON(weights.torch),
    ]
  }

  static func generation(_ c: TranslatorConfiguration) -> JSON {
    let pad = JSON(Int(c.padding)), end = JSON(Int(TranslatorConfiguration.endOfSentence))
    return [
      "decoder_start_token_id": pad, "eos_token_id": end, "pad_token_id": pad, "forced_eos_token_id": end,
      "bad_words_ids": [[pad]], "num_beams": 1, "max_length": JSON(c.context),
    ]
  }

  /// The shape that a `config.json` describes; `isPre` follows from its `model_type`.
  static func configuration(_ root: JSONField, isPre: Bool) throws(JSONError) -> TranslatorConfiguration {
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
    let field = try root.optionalField("activation_function"), activation: Activation
    switch try field?.string() ?? (isPre ? "relu" : "gelu") {
    case "relu": activation = .relu
    case "gelu_new", "gelu_pytorch_tanh", "gelu_fast": activation = .gelu
    case let other: throw root.outside("`activation_function` to be `relu` or `gelu_new`", "`\(other)`")
    }
    let configuration = TranslatorConfiguration(
      vocabularySize: try integer("vocab_size"), context: try integer("max_position_embeddings"),
      encoderLayers: try integer("encoder_layers"), decoderLayers: try integer("decoder_layers"),
      heads: try twice("encoder_attention_heads", "decoder_attention_heads"), width: try integer("d_model"),
      feedForwardWidth: try twice("encoder_ffn_dim", "decoder_ffn_dim"), positions: .sinusoidal,
      norm: isPre ? .pre : .post, activation: activation)
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
