internal import MiniGPTCheckpoints
internal import MiniGPTStorage
internal import MiniGPTTensors
internal import MiniGPTTokenization
internal import MiniGPTTransformer

/// A GPT as GGUF's architecture `gpt2`: matrices are transposed, [out, in]; rows and embeddings stay as they are.
struct GPT2GGUF: ForeignFormat {
  let name = "gpt2"
  let positions = Positions.ofGPT2
  /// Ours, which other readers pass over: positions that GGUF has only as a table.
  private static let positionsKey = "minigpt.positions"
  private static let embedding = "token_embd.weight", positionTable = "position_embd.weight"

  private static let rows: [TensorMap.Row] =
    [.init(theirs: embedding, ours: "tokenEmbedding")]
    + .norm("blk.*.attn_norm", "blocks.*.attentionNorm")
    + .linear("blk.*.attn_qkv", "blocks.*.attention.queryKeyValue", isTransposed: true)
    + .linear("blk.*.attn_output", "blocks.*.attention.output", isTransposed: true)
    + .norm("blk.*.ffn_norm", "blocks.*.feedForwardNorm")
    + .linear("blk.*.ffn_up", "blocks.*.feedForward.up", isTransposed: true)
    + .linear("blk.*.ffn_down", "blocks.*.feedForward.down", isTransposed: true)
    + .norm("output_norm", "finalNorm")
    + [.init(theirs: positionTable, ours: "positionEmbedding")]

  func map(_ c: GPTConfiguration, _ weights: NumberFormat) -> TensorMap {
    TensorMap(rows: Self.rows, constants: c.fixedPositions(Self.positionTable), twins: ["output.weight"])
  }

  func settle(_ c: inout GPTConfiguration, _ file: GGUFFile) throws(InterchangeError) {
    c.comparePositions(try file.matrix(Self.positionTable, [c.context, c.width]))
  }

  func tokenizer(_ file: GGUFFile) throws(InterchangeError) -> any Tokenizer { try GGUFVocabulary.tokenizer(file) }

  func marks(_ file: GGUFFile, _ tokenizer: TextMarks) throws(InterchangeError) -> TextMarks {
    func id(_ key: String) throws(InterchangeError) -> Int32? {
      try file.integer("tokenizer.ggml.\(key)_token_id", in: 0...1 << 30).map { Int32($0) }
    }
    var marks = tokenizer
    let ends = [try id("eos"), try id("eot")].compactMap { $0 }
    if !ends.isEmpty { marks.ends = ends.count == 2 && ends[0] == ends[1] ? [ends[0]] : ends }
    marks.begin = try id("bos") ?? marks.ends.first
    if case .bool(let isPrefixed)? = file.values["tokenizer.ggml.add_bos_token"] { marks.isPrefixed = isPrefixed }
    if case .bool(true)? = file.values["tokenizer.ggml.add_eos_token"] {
      throw .unsupported(file.path, "tokenizer.ggml.add_eos_token true: a prompt would end before it is continued")
    }
    return marks
  }

  func configuration(_ file: GGUFFile) throws(InterchangeError) -> GPTConfiguration {
    func integer(_ key: String) throws(InterchangeError) -> Int {
      guard let value = try file.integer("gpt2." + key, in: 1...1 << 30) else { throw file.missing("gpt2." + key) }
      return value
    }
    let key = "gpt2.attention.layer_norm_epsilon"
    guard let epsilon = file.values[JSON.Key(key)] else { throw file.missing(key) }
    guard case .number(let value) = epsilon, abs(value - 1e-5) < 1e-11 else {
      throw .broken(file.path, key, "expected 1e-05, found another value")
    }
    guard case .texts(let tokens)? = file.values["tokenizer.ggml.tokens"] else {
      throw file.missing("tokenizer.ggml.tokens")
    }
    var configuration = GPTConfiguration(
      vocabularySize: tokens.count, context: try integer("context_length"), layers: try integer("block_count"),
      heads: try integer("attention.head_count"), width: try integer("embedding_length"),
      feedForwardWidth: try integer("feed_forward_length"))
    do throws(ModelShapeError) { try configuration.validate() } catch {
      throw .unsupported(file.path, "\(error)")
    }
    if let claimed = try file.text(Self.positionsKey) {
      guard let kind = Positions(rawValue: claimed) else {
        let known = Positions.allCases.map(\.rawValue).joined(separator: ", ")
        throw .broken(file.path, Self.positionsKey, "expected one of \(known), found `\(Path(claimed))`")
      }
      configuration.positions = kind
    }
    return configuration
  }

  func refusal(_ c: GPTConfiguration) -> String? {
    switch (c.norm, c.activation) {
    case (.pre, .gelu): nil
    case (.post, _): "post-norm blocks, which its architecture gpt2 does not have"
    case (.pre, let other): "\(other.title), where its architecture gpt2 has GELU"
    }
  }

  /// In int8 the matrices of the blocks are Q8_0, and the embedding is in half precision, as not every llama.cpp looks
  /// rows up in Q8_0.
  func write(_ export: ModelExport<GPT>, _ tensors: [ExportedTensor], replacing: Bool) throws {
    let c = export.checkpoint.configuration
    if export.weights == .int8, let width = [c.width, c.feedForwardWidth].first(where: { $0 % 32 != 0 }) {
      throw InterchangeError.inexpressible(
        format: "gguf", "a width of \(width) as int8, which needs multiples of 32")
    }
    var writer = GGUFWriter()
    addShape(c, export.weights, to: &writer)
    try GGUFVocabulary.add(export.tokenizer, to: &writer)
    // Rows and the table of positions are fp32 in every file: llama.cpp adds them as such.
    let list = tensors.map { tensor in
      let isAdded = tensor.shape.count == 1 || tensor.name == Self.positionTable
      let isLookedUp = tensor.name == Self.embedding && export.weights == .int8
      return GGUFWriter.Tensor(tensor: tensor, format: isAdded ? .fp32 : isLookedUp ? .f16 : export.weights)
    }
    var file = try AtomicFile(export.path)
    try file.append(writer.front(list))
    let total = list.reduce(0) { $0 + $1.byteCount }, start = file.count
    for item in list {
      try export.stream(item.tensor, as: item.format) { bytes in
        try file.append(bytes)
        try export.progress(min(total, file.count - start), total)
      }
      try file.append([UInt8](repeating: 0, count: item.paddedCount - item.byteCount))
    }
    try file.commit()
  }

  private func addShape(_ c: GPTConfiguration, _ weights: NumberFormat, to writer: inout GGUFWriter) {
    writer.add("general.architecture", name)
    writer.add("general.name", "minigpt")
    // llama.cpp's numbers for: all fp32, mostly f16, mostly bf16, mostly Q8_0.
    let type: UInt32 =
      switch weights {
      case .fp32: 0
      case .f16: 1
      case .bf16: 32
      case .int8: 7
      }
    writer.add("general.file_type", type)
    if weights == .int8 { writer.add("general.quantization_version", UInt32(2)) }
    writer.add("gpt2.vocab_size", UInt32(c.vocabularySize))
    writer.add("gpt2.context_length", UInt32(c.context))
    writer.add("gpt2.embedding_length", UInt32(c.width))
    writer.add("gpt2.block_count", UInt32(c.layers))
    writer.add("gpt2.feed_forward_length", UInt32(c.feedForwardWidth))
    writer.add("gpt2.attention.head_count", UInt32(c.heads))
    writer.add("gpt2.attention.layer_norm_epsilon", Float(c.normEpsilon))
    if let positions = c.statedPositions { writer.add(Self.positionsKey, positions) }
  }
}
