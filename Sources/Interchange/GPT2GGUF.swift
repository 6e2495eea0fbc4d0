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
  private static let output = "output.weight"

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
    TensorMap(rows: Self.rows, constants: c.fixedPositions(Self.positionTable), twins: [Self.output])
  }

  func settle(_ c: inout GPTConfiguration, _ file: GGUFFile) throws(InterchangeError) {
    c.comparePositions(try file.matrix(Self.positionTable, [c.context, c.width]))
  }

  func tokenizer(_ file: GGUFFile) throws(InterchangeError) -> any Tokenizer { try GGUFVocabulary.tokenizer(file) }

  func marks(_ file: GGUFFile, _ tokenizer: TextMarks) throws(InterchangeError) -> TextMarks {
    try file.marks(tokenizer)
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
    var configuration = GPTConfiguration(
      vocabularySize: try file.tokenCount(), context: try integer("context_length"), layers: try integer("block_count"),
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

  func write(_ export: ModelExport<GPT>, _ tensors: [ExportedTensor], replacing: Bool) throws {
    let c = export.checkpoint.configuration
    var writer = GGUFWriter()
    writer.addHead(name, c, export.weights)
    writer.add("gpt2.attention.layer_norm_epsilon", Float(c.normEpsilon))
    if let positions = c.statedPositions { writer.add(Self.positionsKey, positions) }
    // llama.cpp adds the table of positions as fp32.
    try export.gguf(writer, tensors, embedding: Self.embedding, output: Self.output, inSingle: [Self.positionTable])
  }
}
