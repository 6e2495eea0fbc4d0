package import MiniGPTStorage
internal import MiniGPTTensors
internal import MiniGPTTokenization
package import MiniGPTTransformer

/// A Hugging Face model folder: `config.json`, safetensors, and a tokenizer.
package struct HuggingFaceFolder {
  /// The architectures that minigpt has, by their `model_type`.
  package enum Kind: String, CaseIterable, Sendable {
    case gpt2, marian, pegasus
  }

  package let path: Path
  package let kind: Kind
  let root: JSONField

  static let configuration = "config.json"
  /// Larger ones are none.
  static let configurationLimit = 4 << 20

  /// Reads `config.json`, as far as all architectures have it.
  package init(_ folder: Path) throws(InterchangeError) {
    let path = folder.appending(Self.configuration)
    if !Files.exists(path) { throw .notAModel(folder, "there is no \(Self.configuration) in it") }
    let type: String
    do {
      let bytes = try FileReader.bytes(of: path, limit: Self.configurationLimit)
      root = try JSONField(parsing: bytes.rawBytes, source: "\(path)")
      type = try root.field("model_type").string()
      if let method = try root.optionalField("quantization_config") {
        throw method.outside("weights in fp32, fp16 or bf16", "quantized ones")
      }
    } catch let error as JSONError {
      throw .json(error)
    } catch let error as StorageError {
      throw .storage(error)
    } catch { throw .notAModel(path, "\(error)") }
    guard let kind = Kind.allCases.first(where: { JSON.Key($0.rawValue) == JSON.Key(type) }) else {
      throw .unsupported(path, "model_type `\(Path(type))`; minigpt reads `gpt2`, `marian` and `pegasus`")
    }
    self.path = folder
    self.kind = kind
  }

  /// A model of another kind than what was asked for.
  func unexpected(_ wanted: String) -> InterchangeError {
    .unsupported(path.appending(Self.configuration), "model_type `\(kind.rawValue)` where \(wanted) is wanted")
  }

  func checkArchitectures(_ known: [String]) throws(JSONError) {
    guard let names = try root.optionalField("architectures") else { return }
    for name in try names.array() where try !known.contains(name.string()) {
      throw name.outside(known[0], try name.string())
    }
  }

  static func tokenizer(_ folder: Path) throws(InterchangeError) -> any Tokenizer {
    do {
      return try TokenizerFile.open(folder)
    } catch let error as TokenizerError {
      throw .tokenizer(error)
    } catch let error as StorageError {
      throw .storage(error)
    } catch { throw .notAModel(folder, "\(error)") }
  }

  /// Whether a folder may be replaced by another model: it is one itself, of ordinary files alone, or empty.
  package static func isReplaceable(_ folder: Path) -> Bool {
    guard let files = try? Files.list(folder) else { return false }
    return files.isEmpty
      || files.contains(folder.appending(configuration)) && files.allSatisfy { Files.kind($0) == .file }
  }
}

extension GPT {
  package static func open(folder path: Path) throws(InterchangeError) -> ForeignModel<GPT> {
    let folder = try HuggingFaceFolder(path)
    if folder.kind != .gpt2 { throw folder.unexpected("a language model") }
    var configuration: GPTConfiguration
    let claimed: Positions, end: Int?
    do throws(JSONError) {
      try folder.checkArchitectures(["GPT2LMHeadModel", "GPT2Model"])
      configuration = try HuggingFaceGPT2.configuration(folder.root)
      claimed = try folder.root.optionalField(HuggingFaceGPT2.positionsKey.text)?.choice(Positions.self) ?? .learned
      let field = try folder.root.optionalField("eos_token_id")
      if case .array? = field?.value { end = nil } else { end = try field?.integer(in: 0...1 << 30) }
    } catch { throw .json(error) }
    let tensors = try TensorFolder(path)
    let prefix = tensors.contains(HuggingFaceGPT2.prefix + "wte.weight") ? HuggingFaceGPT2.prefix : ""
    let positions = try tensors.matrix(prefix + "wpe.weight", [configuration.context, configuration.width])
    // A table that was trained on is no formula any more, whatever the configuration says.
    configuration.positions = claimed
    if let fixed = HuggingFaceGPT2.fixedPositions(configuration), !fixed.isRounded(in: positions) {
      configuration.positions = .learned
    }
    let model = GPT(configuration)
    var known: Set<JSON.Key> = [JSON.Key(prefix + "wpe.weight"), "lm_head.weight"]
    var found: [Int: FileMatrix] = [:]
    if let table = model.embedding.learned { found[table.offset] = positions }
    let shapes = Dictionary(uniqueKeysWithValues: model.layout.parameters.map { ($0.slot.offset, $0.shape) })
    for (name, slot) in HuggingFaceGPT2.tensors(model) {
      found[slot.offset] = try tensors.matrix(prefix + name, shapes[slot.offset] ?? [])
      known.insert(JSON.Key(prefix + name))
    }
    for name in tensors.names where !known.contains(JSON.Key(name)) {
      let isMask = name.hasPrefix(prefix) && HuggingFaceGPT2.isMask(String(name.dropFirst(prefix.utf8.count)))
      if !isMask { throw .extraTensor(tensors.path, name) }
    }
    var twins: [(name: String, one: FileMatrix, other: FileMatrix)] = []
    if tensors.contains("lm_head.weight"), let embedding = found[model.embedding.table.offset] {
      let head = try tensors.matrix("lm_head.weight", [configuration.vocabularySize, configuration.width])
      twins.append(("lm_head.weight", embedding, head))
    }
    return ForeignModel(
      path: path, configuration: configuration, weights: model.layout.parameters.compactMap { found[$0.slot.offset] },
      twins: twins, endOfText: end, byteCount: tensors.byteCount,
      tokenizer: { () throws(InterchangeError) in try HuggingFaceFolder.tokenizer(path) },
      verify: { () throws(InterchangeError) in
        do throws(SafetensorsError) { try tensors.verify() } catch { throw .safetensors(error) }
      })
  }
}

extension EncoderDecoder {
  package static func open(folder path: Path) throws(InterchangeError) -> ForeignModel<EncoderDecoder> {
    let folder = try HuggingFaceFolder(path), isPre = folder.kind == .pegasus
    if folder.kind == .gpt2 { throw folder.unexpected("a translator") }
    let c: TranslatorConfiguration
    do throws(JSONError) {
      try folder.checkArchitectures(
        isPre ? ["PegasusForConditionalGeneration", "PegasusModel"] : ["MarianMTModel", "MarianModel"])
      c = try HuggingFaceTranslator.configuration(folder.root, isPre: isPre)
    } catch { throw .json(error) }
    let tensors = try TensorFolder(path), embedding = HuggingFaceTranslator.embedding
    // Before a layout is built of a claim, the largest matrix must bear it out.
    let table = try tensors.matrix(embedding, [c.vocabularySize, c.width])
    let model = EncoderDecoder(c)
    var known: Set<JSON.Key> = [], parts: [Int: [FileMatrix]] = [:]
    for piece in HuggingFaceTranslator.pieces(model) {
      let matrix = try tensors.matrix(piece.name, piece.shape)
      parts[piece.slot.offset, default: []].append(HuggingFaceTranslator.ours(piece, matrix, width: c.width))
      known.insert(JSON.Key(piece.name))
    }
    var twins: [(name: String, one: FileMatrix, other: FileMatrix)] = []
    for name in ["lm_head.weight", "model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight"]
    where tensors.contains(name) {
      twins.append((name, table, try tensors.matrix(name, [c.vocabularySize, c.width])))
      known.insert(JSON.Key(name))
    }
    for name in ["encoder", "decoder"].map(HuggingFaceTranslator.positions) where tensors.contains(name) {
      if try !tensors.matrix(name, [c.context, c.width]).isNear(HuggingFaceTranslator.positions(c), 0.01) {
        throw .unsupported(tensors.path, "tensor \(name) is not the table of sines and cosines")
      }
      known.insert(JSON.Key(name))
    }
    try checkPadding(c, tensors, table)
    known.insert(JSON.Key(HuggingFaceTranslator.bias))
    if let extra = tensors.names.first(where: { !known.contains(JSON.Key($0)) }) {
      throw .extraTensor(tensors.path, extra)
    }
    return ForeignModel(
      path: path, configuration: c,
      weights: model.layout.parameters.compactMap { parts[$0.slot.offset].map(FileMatrix.beside) }, twins: twins,
      endOfText: nil, byteCount: tensors.byteCount,
      tokenizer: { () throws(InterchangeError) in try translationTokenizer(path) },
      verify: { () throws(InterchangeError) in
        do throws(SafetensorsError) { try tensors.verify() } catch { throw .safetensors(error) }
      })
  }

  /// `<pad>` begins every target as a row of zeros, and is the only id that a logit is taken from.
  private static func checkPadding(
    _ c: TranslatorConfiguration, _ tensors: TensorFolder, _ table: FileMatrix
  ) throws(InterchangeError) {
    let last = c.vocabularySize - 1
    let row = table.numbers(rows: last..<c.vocabularySize)
    if row.contains(where: { $0 != 0 }) {
      throw .unsupported(tensors.path, "the embedding of `<pad>` (id \(last)) is not zero")
    }
    if tensors.contains(HuggingFaceTranslator.bias) {
      let bias = try tensors.matrix(HuggingFaceTranslator.bias, [1, c.vocabularySize]).numbers(rows: 0..<1)
      if bias.dropLast().contains(where: { $0 != 0 }) {
        throw .unsupported(tensors.path, "\(HuggingFaceTranslator.bias) is not zero: minigpt adds nothing to logits")
      }
    }
  }

  private static func translationTokenizer(_ path: Path) throws(InterchangeError) -> any Tokenizer {
    let pieces = ["source.spm", "spiece.model", "sentencepiece.bpe.model"].map { path.appending($0) }
    if !Files.exists(path.appending("tokenizer.json")), let model = pieces.first(where: Files.exists) {
      throw .unsupported(model, "a vocabulary of SentencePiece; minigpt reads tokenizer.json with byte-level BPE")
    }
    let tokenizer = try HuggingFaceFolder.tokenizer(path), last = tokenizer.vocabularySize - 1
    let wanted = [(SpecialToken.endOfSentence, 0), (SpecialToken.unknown, 1), (SpecialToken.padding, last)]
    for (name, id) in wanted where tokenizer.id(of: name).map(Int.init) != id {
      throw .contradiction(path, "its tokenizer must have the special token \(name) as id \(id)")
    }
    return tokenizer
  }
}
