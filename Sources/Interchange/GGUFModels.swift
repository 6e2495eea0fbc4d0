internal import MiniGPTCheckpoints
internal import MiniGPTStorage
internal import MiniGPTTensors
internal import MiniGPTTokenization
internal import MiniGPTTransformer

// What GGUF's architectures of decoders have in common.
extension GGUFFile {
  /// What begins and ends a text.
  func marks(_ tokenizer: TextMarks) throws(InterchangeError) -> TextMarks {
    func id(_ key: String) throws(InterchangeError) -> Int32? {
      try integer("tokenizer.ggml.\(key)_token_id", in: 0...1 << 30).map { Int32($0) }
    }
    var marks = tokenizer
    let ends = [try id("eos"), try id("eot")].compactMap { $0 }
    if !ends.isEmpty { marks.ends = ends.count == 2 && ends[0] == ends[1] ? [ends[0]] : ends }
    marks.begin = try id("bos") ?? marks.ends.first
    if case .bool(let isPrefixed)? = values["tokenizer.ggml.add_bos_token"] { marks.isPrefixed = isPrefixed }
    if case .bool(true)? = values["tokenizer.ggml.add_eos_token"] {
      throw .unsupported(path, "tokenizer.ggml.add_eos_token true: a prompt would end before it is continued")
    }
    return marks
  }

  /// V
  func tokenCount() throws(InterchangeError) -> Int {
    guard case .texts(let tokens)? = values["tokenizer.ggml.tokens"] else { throw missing("tokenizer.ggml.tokens") }
    return tokens.count
  }

  func number(_ key: String) throws(InterchangeError) -> Double? {
    guard let value = values[JSON.Key(key)] else { return nil }
    guard case .number(let number) = value else { throw unexpected(key, "a number", value) }
    return Double(number)
  }
}

extension GGUFWriter {
  /// The keys that all architectures of decoders have.
  mutating func addHead(_ architecture: String, _ c: GPTConfiguration, _ weights: NumberFormat) {
    add("general.architecture", architecture)
    add("general.name", "minigpt")
    // llama.cpp's numbers for: all fp32, mostly f16, mostly bf16, mostly Q8_0, mostly Q4_0.
    let type: UInt32 =
      switch weights {
      case .fp32: 0
      case .f16: 1
      case .bf16: 32
      case .int8: 7
      case .int4: 2
      }
    add("general.file_type", type)
    if weights.isGrouped { add("general.quantization_version", UInt32(2)) }
    add(architecture + ".vocab_size", UInt32(c.vocabularySize))
    add(architecture + ".context_length", UInt32(c.context))
    add(architecture + ".embedding_length", UInt32(c.width))
    add(architecture + ".block_count", UInt32(c.layers))
    add(architecture + ".feed_forward_length", UInt32(c.feedForwardWidth))
    add(architecture + ".attention.head_count", UInt32(c.heads))
  }
}

extension ModelExport where Model == GPT {
  /// Writes a file. Rows, and the tensors of `inSingle`, are fp32 in every one. In int8 the matrices of the blocks are Q8_0,
  /// and the embedding is in half precision, as not every llama.cpp looks rows up in Q8_0. In int4 the blocks' are Q4_0, and
  /// the embedding and what makes the logits are Q8_0.
  func gguf(
    _ head: GGUFWriter, _ tensors: [ExportedTensor], embedding: String, output: String, inSingle: [String] = []
  ) throws {
    let c = checkpoint.configuration, widths = [c.width, c.feedForwardWidth, c.attention.queryWidth]
    if weights.isGrouped, let width = widths.first(where: { $0 % 32 != 0 }) {
      throw InterchangeError.inexpressible(
        format: "gguf", "a width of \(width) as \(weights.rawValue), which needs multiples of 32")
    }
    var writer = head
    try GGUFVocabulary.add(tokenizer, to: &writer)
    let list = tensors.map { tensor in
      let isAdded = tensor.shape.count == 1 || inSingle.contains(tensor.name)
      let isTable = tensor.name == embedding || tensor.name == output
      let format = !isTable ? weights : weights == .int8 && tensor.name == embedding ? .f16 : weights.ofLogits
      return GGUFWriter.Tensor(tensor: tensor, format: isAdded ? .fp32 : format)
    }
    var file = try AtomicFile(path)
    try file.append(writer.front(list))
    let total = list.reduce(0) { $0 + $1.byteCount }, start = file.count
    for item in list {
      try stream(item.tensor, as: item.format) { bytes in
        try file.append(bytes)
        try progress(min(total, file.count - start), total)
      }
      try file.append([UInt8](repeating: 0, count: item.paddedCount - item.byteCount))
    }
    try file.commit()
  }
}
