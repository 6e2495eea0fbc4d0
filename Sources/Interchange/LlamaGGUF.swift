internal import MiniGPTCheckpoints
internal import MiniGPTStorage
internal import MiniGPTTensors
internal import MiniGPTTokenization
internal import MiniGPTTransformer

/// A GPT of today's shape as GGUF's architecture `llama` or `qwen3`.
///
/// `llama` turns neighbouring channels where we, and `qwen3`, turn halves: rows of queries and keys stand in its order, head
/// by head, with the number of key heads where heads share them.
struct LlamaGGUF: ForeignFormat {
  let family: LlamaFamily

  let positions: [Positions] = [.rotary]
  let carries = LlamaFamily.carries
  var name: String { family.rawValue }

  private static let names = LlamaFamily.Names.gguf

  func map(_ c: GPTConfiguration, _ weights: NumberFormat) -> TensorMap {
    let width = c.attention.headWidth, isInterleaved = family == .llama
    // Their channel 2i + h of a head is our channel h · D/2 + i.
    let rows = family.rows(c, Self.names) { heads in
      !isInterleaved ? nil : (0..<heads * width).map { $0 / width * width + $0 % 2 * (width / 2) + $0 % width / 2 }
    }
    return TensorMap(rows: rows, twins: c.isTied ? [Self.names.output] : [])
  }

  /// Files that hold the embedding once have a tied output.
  func settle(_ c: inout GPTConfiguration, _ file: GGUFFile) {
    c.isTied = !file.contains(Self.names.output)
    c.block.hasBiases = file.contains("blk.0.attn_output.bias")
  }

  func tokenizer(_ file: GGUFFile) throws(InterchangeError) -> any Tokenizer { try GGUFVocabulary.tokenizer(file) }

  func marks(_ file: GGUFFile, _ tokenizer: TextMarks) throws(InterchangeError) -> TextMarks {
    try file.marks(tokenizer)
  }

  func refusal(_ c: GPTConfiguration) -> String? {
    // There it is a tensor of factors, which says nothing of the rule that made them.
    c.rotaryScaling.kind == .llama3 ? "rotary positions scaled as Llama 3's" : family.refusal(c)
  }

  /// Keys of the architecture that say what we know; others may change what is computed.
  private static let known = [
    "vocab_size", "context_length", "embedding_length", "block_count", "feed_forward_length", "attention.head_count",
    "attention.head_count_kv", "attention.key_length", "attention.value_length", "attention.layer_norm_rms_epsilon",
    "rope.dimension_count", "rope.freq_base", "rope.scaling.type", "rope.scaling.factor",
  ]

  func configuration(_ file: GGUFFile) throws(InterchangeError) -> GPTConfiguration {
    func optional(_ key: String) throws(InterchangeError) -> Int? {
      try file.integer("\(name).\(key)", in: 1...1 << 30)
    }
    func integer(_ key: String) throws(InterchangeError) -> Int {
      guard let value = try optional(key) else { throw file.missing("\(name).\(key)") }
      return value
    }
    for key in file.values.keys.map(\.text).sorted() where key.hasPrefix(name + ".") {
      if !Self.known.contains(String(key.dropFirst(name.count + 1))) {
        throw .unsupported(file.path, "\(Path(key)), which minigpt does not have")
      }
    }
    guard let epsilon = try file.number(name + ".attention.layer_norm_rms_epsilon") else {
      throw file.missing(name + ".attention.layer_norm_rms_epsilon")
    }
    let heads = try integer("attention.head_count"), width = try integer("embedding_length")
    var block = family.block(heads: heads, width: width, feedForwardWidth: try integer("feed_forward_length"))
    let keyValueHeads = try optional("attention.head_count_kv") ?? heads
    block.keyValueHeads = keyValueHeads == heads ? nil : keyValueHeads
    let headWidth = try optional("attention.key_length") ?? width / heads
    block.headWidth = headWidth * heads == width ? nil : headWidth
    for key in ["attention.value_length", "rope.dimension_count"] {
      if let other = try optional(key), other != headWidth {
        throw .broken(file.path, "\(name).\(key)", "expected \(headWidth), found \(other)")
      }
    }
    block.normEpsilon = Self.written(epsilon)
    block.rotaryBase = try file.number(name + ".rope.freq_base").map(Self.written) ?? 10_000
    let type = try file.text(name + ".rope.scaling.type") ?? "none"
    switch type {
    case "none": break
    case "linear":
      block.rotaryScaling.kind = .linear
      block.rotaryScaling.factor = Self.written(try file.number(name + ".rope.scaling.factor") ?? 1)
    default: throw .unsupported(file.path, "\(name).rope.scaling.type `\(Path(type))`; minigpt reads `linear`")
    }
    let configuration = GPTConfiguration(
      vocabularySize: try file.tokenCount(), context: try integer("context_length"),
      layers: try integer("block_count"), block: block)
    do throws(ModelShapeError) { try configuration.validate() } catch {
      throw .unsupported(file.path, "\(error)")
    }
    return configuration
  }

  /// The number that somebody wrote down before it was rounded to a `Float`: the shortest of that value.
  private static func written(_ rounded: Double) -> Double { Double("\(Float(rounded))") ?? rounded }

  func write(_ export: ModelExport<GPT>, _ tensors: [ExportedTensor], replacing: Bool) throws {
    let c = export.checkpoint.configuration, shape = c.attention
    var writer = GGUFWriter()
    writer.addHead(name, c, export.weights)
    writer.add(name + ".attention.head_count_kv", UInt32(shape.keyValueHeads))
    writer.add(name + ".attention.key_length", UInt32(shape.headWidth))
    writer.add(name + ".attention.value_length", UInt32(shape.headWidth))
    writer.add(name + ".attention.layer_norm_rms_epsilon", Float(c.normEpsilon))
    writer.add(name + ".rope.dimension_count", UInt32(shape.headWidth))
    writer.add(name + ".rope.freq_base", Float(c.rotaryBase))
    if c.rotaryScaling.kind == .linear {
      writer.add(name + ".rope.scaling.type", "linear")
      writer.add(name + ".rope.scaling.factor", Float(c.rotaryScaling.factor))
    }
    try export.gguf(writer, tensors, embedding: Self.names.embedding, output: Self.names.output)
  }
}
