internal import MiniGPTStorage
internal import MiniGPTTensors
internal import MiniGPTTokenization
internal import MiniGPTTransformer

/// Opens a file of llama.cpp's architecture `gpt2`.
enum GGUFModel {
  static func open(_ path: Path) throws(InterchangeError) -> ForeignModel<GPT> {
    let file = try GGUFFile(path)
    guard let architecture = try file.text("general.architecture") else { throw file.missing("general.architecture") }
    if architecture != "gpt2" {
      throw .unsupported(path, "general.architecture `\(Path(architecture))`; minigpt reads `gpt2`")
    }
    var configuration = try configuration(file)
    let shape = [configuration.context, configuration.width]
    let positions = try file.matrix(GGUFGPT2.positionTable, shape)
    if let claimed = try file.text(GGUFGPT2.positionsKey) {
      guard let kind = Positions(rawValue: claimed) else {
        throw .broken(path, GGUFGPT2.positionsKey, "expected learned, sinusoidal or none, found `\(Path(claimed))`")
      }
      configuration.positions = kind
      if let fixed = HuggingFaceGPT2.fixedPositions(configuration), !fixed.isRounded(in: positions) {
        configuration.positions = .learned
      }
    }
    return try model(file, configuration, positions)
  }

  private static func model(
    _ file: GGUFFile, _ configuration: GPTConfiguration, _ positions: FileMatrix
  ) throws(InterchangeError) -> ForeignModel<GPT> {
    let model = GPT(configuration)
    var found: [Int: FileMatrix] = [:]
    var known: Set<JSON.Key> = [JSON.Key(GGUFGPT2.positionTable), "output.weight"]
    if let table = model.embedding.learned { found[table.offset] = positions }
    let shapes = Dictionary(uniqueKeysWithValues: model.layout.parameters.map { ($0.slot.offset, $0.shape) })
    for (name, slot, isTurned) in GGUFGPT2.tensors(model) {
      let shape = shapes[slot.offset] ?? []
      let matrix = try file.matrix(name, isTurned ? shape.reversed() : shape)
      found[slot.offset] = isTurned ? matrix.transposed : matrix
      known.insert(JSON.Key(name))
    }
    if let extra = file.names.first(where: { !known.contains(JSON.Key($0)) }) { throw .extraTensor(file.path, extra) }
    var twins: [(name: String, one: FileMatrix, other: FileMatrix)] = []
    if file.tensors["output.weight"] != nil, let embedding = found[model.embedding.table.offset] {
      let head = try file.matrix("output.weight", [configuration.vocabularySize, configuration.width])
      twins.append(("output.weight", embedding, head))
    }
    return ForeignModel(
      path: file.path, configuration: configuration,
      weights: model.layout.parameters.compactMap { found[$0.slot.offset] }, twins: twins,
      endOfText: try file.integer("tokenizer.ggml.eos_token_id", in: 0...1 << 30), byteCount: file.map.count,
      tokenizer: { [path = file.path] () throws(InterchangeError) in try tokenizer(GGUFFile(path)) }, verify: {})
  }

  private static func configuration(_ file: GGUFFile) throws(InterchangeError) -> GPTConfiguration {
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
    let configuration = GPTConfiguration(
      vocabularySize: tokens.count, context: try integer("context_length"), layers: try integer("block_count"),
      heads: try integer("attention.head_count"), width: try integer("embedding_length"),
      feedForwardWidth: try integer("feed_forward_length"))
    do throws(ModelShapeError) { try configuration.validate() } catch {
      throw .unsupported(file.path, "\(error)")
    }
    return configuration
  }

  /// The vocabulary, read as the `tokenizer.json` that says the same.
  private static func tokenizer(_ file: GGUFFile) throws(InterchangeError) -> any Tokenizer {
    let kind = try file.text("tokenizer.ggml.model") ?? ""
    if kind != "gpt2" { throw .unsupported(file.path, "tokenizer.ggml.model `\(Path(kind))`; minigpt reads `gpt2`") }
    func texts(_ key: JSON.Key) throws(InterchangeError) -> [String] {
      guard case .texts(let texts)? = file.values[key] else { throw file.missing(key.text) }
      return texts
    }
    let tokens = try texts("tokenizer.ggml.tokens"), merges = try texts("tokenizer.ggml.merges")
    var types = [Int](repeating: 1, count: tokens.count)
    if case .integers(let given)? = file.values["tokenizer.ggml.token_type"] { types = given }
    if types.count != tokens.count {
      throw .broken(file.path, "tokenizer.ggml.token_type", "expected \(tokens.count) values, found \(types.count)")
    }
    var vocabulary = JSONObject(), specials: [JSON] = []
    for (id, (text, type)) in zip(tokens, types).enumerated() {
      switch type {
      case 1: vocabulary.append(JSON.Key(text), .integer(Int64(id)))
      case 3: specials.append(["id": .integer(Int64(id)), "content": .string(text), "special": true])
      default: throw .unsupported(file.path, "token \(id) is of type \(type); minigpt reads 1 (normal) and 3 (control)")
      }
    }
    let document: JSON = [
      "added_tokens": .array(specials), "pre_tokenizer": try splitting(file, hasMerges: !merges.isEmpty),
      "model": ["type": "BPE", "vocab": .object(vocabulary), "merges": .array(merges.map { .string($0) })],
    ]
    do throws(TokenizerError) { return try TokenizerJSON.read(document, source: "\(file.path): tokenizer") } catch {
      throw .tokenizer(error)
    }
  }

  private static func splitting(_ file: GGUFFile, hasMerges: Bool) throws(InterchangeError) -> JSON {
    func byteLevel(_ cuts: Bool) -> JSON { ["type": "ByteLevel", "add_prefix_space": false, "use_regex": .bool(cuts)] }
    // Where nothing is merged, nothing need be cut.
    if !hasMerges { return byteLevel(false) }
    guard let rule = try file.text("tokenizer.ggml.pre") else { throw file.missing("tokenizer.ggml.pre") }
    guard let splitter = GGUFGPT2.splitter(rule) else {
      throw .unsupported(file.path, "tokenizer.ggml.pre `\(Path(rule))`; minigpt reads `gpt-2` and `dbrx`")
    }
    if splitter == .gpt2 { return byteLevel(true) }
    return [
      "type": "Sequence",
      "pretokenizers": [
        ["type": "Split", "pattern": ["Regex": .string(splitter.expression)], "behavior": "Isolated", "invert": false],
        byteLevel(false),
      ],
    ]
  }
}
