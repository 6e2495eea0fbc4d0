internal import MiniGPTStorage
internal import MiniGPTTensors
internal import MiniGPTTokenization
internal import MiniGPTTransformer

extension ModelExport<GPT> {
  /// A file for llama.cpp. `quantized` writes the matrices of the blocks as Q8_0, whatever the type of the export, and
  /// the embedding in half precision, as not every llama.cpp looks rows up in Q8_0.
  package func gguf(quantized: Bool = false) throws {
    try checkGGUF(quantized: quantized)
    var writer = GGUFWriter()
    addShape(to: &writer, quantized: quantized)
    try addVocabulary(to: &writer)
    let tensors = ggufTensors(quantized: quantized)
    var file = try AtomicFile(path)
    try file.append(writer.front(tensors))
    let total = tensors.reduce(0) { $0 + $1.byteCount }, start = file.count
    for tensor in tensors {
      try stream(tensor) { bytes in
        try file.append(bytes)
        try progress(min(total, file.count - start), total)
      }
      try file.append([UInt8](repeating: 0, count: tensor.paddedCount - tensor.byteCount))
    }
    try file.commit()
  }

  private func refusal(_ what: String) -> InterchangeError { .inexpressible(format: "gguf", what) }

  private func checkGGUF(quantized: Bool) throws(InterchangeError) {
    let c = checkpoint.configuration
    if c.norm == .post { throw refusal("post-norm blocks, which its architecture gpt2 does not have") }
    if c.activation == .relu { throw refusal("ReLU, where its architecture gpt2 has GELU") }
    if quantized, let width = [c.width, c.feedForwardWidth].first(where: { $0 % 32 != 0 }) {
      throw refusal("a width of \(width) as int8, which needs multiples of 32")
    }
  }

  private func addShape(to writer: inout GGUFWriter, quantized: Bool) {
    let c = checkpoint.configuration
    writer.add("general.architecture", "gpt2")
    writer.add("general.name", "minigpt")
    // llama.cpp's numbers for: all fp32, mostly f16, mostly bf16, mostly Q8_0.
    let type: UInt32 =
      switch weights {
      case .fp32: 0
      case .f16: 1
      case .bf16: 32
      }
    writer.add("general.file_type", quantized ? 7 : type)
    if quantized { writer.add("general.quantization_version", UInt32(2)) }
    writer.add("gpt2.vocab_size", UInt32(c.vocabularySize))
    writer.add("gpt2.context_length", UInt32(c.context))
    writer.add("gpt2.embedding_length", UInt32(c.width))
    writer.add("gpt2.block_count", UInt32(c.layers))
    writer.add("gpt2.feed_forward_length", UInt32(c.feedForwardWidth))
    writer.add("gpt2.attention.head_count", UInt32(c.heads))
    writer.add("gpt2.attention.layer_norm_epsilon", LayerNorm.epsilon)
    if c.positions != .learned { writer.add(GGUFGPT2.positionsKey, c.positions.rawValue) }
  }

  /// The vocabulary as `tokenizer.json` has it: byte symbols, and merges as `a b`.
  private func addVocabulary(to writer: inout GGUFWriter) throws(InterchangeError) {
    guard let end = tokenizer.endOfText else { throw refusal("a vocabulary without \(SpecialToken.endOfText)") }
    guard case .object(let document) = TokenizerJSON.value(tokenizer), case .object(let model)? = document["model"],
      case .object(let vocabulary)? = model["vocab"], model["type"] == "BPE"
    else { throw refusal("a char vocabulary with characters beyond ASCII") }
    var merges: [String] = []
    if case .array(let list)? = model["merges"] {
      for case .string(let merge) in list { merges.append(merge) }
    }
    if let pairs = tokenizer as? BytePairTokenizer, !merges.isEmpty {
      if pairs.wholePieceFirst { throw refusal("a vocabulary of tiktoken's ranks, which has no merges of its own") }
      guard let rule = GGUFGPT2.rule(pairs.splitter) else {
        throw refusal("the rule `\(pairs.splitter.rawValue)` that cuts texts, which llama.cpp has no name for")
      }
      writer.add("tokenizer.ggml.pre", rule)
    } else {
      writer.add("tokenizer.ggml.pre", "gpt-2")
    }
    writer.add("tokenizer.ggml.model", "gpt2")
    writer.add("tokenizer.ggml.tokens", vocabulary.members.map(\.key.text))
    let special = Set(tokenizer.specialTokens.map(\.id))
    writer.add(
      "tokenizer.ggml.token_type", (0..<Int32(tokenizer.vocabularySize)).map { special.contains($0) ? 3 : 1 })
    writer.add("tokenizer.ggml.merges", merges)
    writer.add("tokenizer.ggml.bos_token_id", UInt32(end))
    writer.add("tokenizer.ggml.eos_token_id", UInt32(end))
    writer.add("tokenizer.ggml.add_bos_token", false)
  }

  /// Rows and the table of positions are fp32 in every file: llama.cpp adds them as such.
  private func ggufTensors(quantized: Bool) -> [GGUFWriter.Tensor] {
    let model = GPT(checkpoint.configuration)
    var byPlace: [Int: FileMatrix] = [:]
    for (parameter, matrix) in zip(model.layout.parameters, checkpoint.weights) {
      byPlace[parameter.slot.offset] = matrix
    }
    var tensors: [GGUFWriter.Tensor] = []
    for (name, slot, isTurned) in GGUFGPT2.tensors(model) {
      guard let matrix = byPlace[slot.offset] else { continue }
      let isRow = slot.rows == 1 && !isTurned && slot != model.embedding.table
      let type: GGUFType = isRow ? .f32 : quantized ? (isTurned ? .q8 : .f16) : GGUFType(weights)
      tensors.append(.init(name: name, type: type, matrix: isTurned ? matrix.transposed : matrix, isRow: isRow))
    }
    let table =
      model.embedding.learned.flatMap { byPlace[$0.offset] } ?? HuggingFaceGPT2.fixedPositions(model.configuration)
    if let table {
      tensors.append(.init(name: GGUFGPT2.positionTable, type: .f32, matrix: table, isRow: false))
    }
    return tensors
  }

  private func stream(_ tensor: GGUFWriter.Tensor, _ body: (RawSpan) throws -> Void) throws {
    do {
      if let type = tensor.type.number {
        try tensor.matrix.forEachPiece(as: type, body)
      } else {
        try tensor.matrix.forEachQuantizedPiece(body)
      }
    } catch let error as FileMatrix.TooLarge {
      throw InterchangeError.tooLarge(tensor: tensor.name, error.number, error.type)
    }
  }
}

extension ModelExport<EncoderDecoder> {
  /// llama.cpp has no such model.
  package func gguf() throws {
    throw InterchangeError.inexpressible(format: "gguf", "a translator, which llama.cpp does not run")
  }
}
