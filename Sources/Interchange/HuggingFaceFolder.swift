internal import MiniGPTCheckpoints
package import MiniGPTStorage
internal import MiniGPTTensors
internal import MiniGPTTokenization
internal import MiniGPTTransformer

/// A Hugging Face model folder: `config.json`, safetensors, and a tokenizer.
package struct HuggingFaceFolder: ForeignContainer {
  static let format = ExportFormat.huggingFace
  static let program = "transformers"
  package let path: Path
  let root: JSONField
  private let type: String

  static let configuration = "config.json"
  /// Larger ones are none.
  static let configurationLimit = 4 << 20

  /// Reads `config.json`, as far as all architectures have it.
  init(_ folder: Path) throws(InterchangeError) {
    let path = folder.appending(Self.configuration)
    if !Files.exists(path) { throw .notAModel(folder, "there is no \(Self.configuration) in it") }
    do {
      let bytes = try FileReader.whole(path, limit: Self.configurationLimit)
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
    self.path = folder
  }

  func family() -> String { type }

  func unknown(_ family: String, known: String) -> InterchangeError {
    .unsupported(path.appending(Self.configuration), "model_type `\(Path(family))`; minigpt reads \(known)")
  }

  func tensors() throws(InterchangeError) -> TensorFolder { try TensorFolder(path) }

  func checkArchitectures(_ known: [String]) throws(JSONError) {
    guard let names = try root.optionalField("architectures") else { return }
    for name in try names.array() where try !known.contains(name.string()) {
      throw name.outside(known[0], try name.string())
    }
  }

  /// `generation_config.json`, where there is one.
  func generation() throws(JSONError) -> JSONField? {
    let file = path.appending("generation_config.json")
    guard let bytes = try? FileReader.whole(file, limit: Self.configurationLimit) else { return nil }
    return try JSONField(parsing: bytes.rawBytes, source: "\(file)")
  }

  /// An id, a list of ids, or null for none.
  func ids(_ field: JSONField) throws(JSONError) -> [Int32] {
    if field.isNull { return [] }
    guard case .array = field.value else { return [Int32(try field.integer(in: 0...1 << 30))] }
    var ids: [Int32] = []
    for element in try field.array() { ids.append(Int32(try element.integer(in: 0...1 << 30))) }
    return ids
  }

  /// What begins and ends a text: `generation_config.json` says how texts are made; where it is silent, `config.json`
  /// does. Null is "none".
  func marks(_ tokenizer: TextMarks) throws(InterchangeError) -> TextMarks {
    var marks = tokenizer
    do throws(JSONError) {
      for root in [root, try generation()] {
        guard let root else { continue }
        if try root.has("eos_token_id") { marks.ends = try ids(root.field("eos_token_id")) }
        if try root.has("bos_token_id") { marks.begin = try ids(root.field("bos_token_id")).first }
      }
    } catch { throw .json(error) }
    if marks.begin == nil { marks.begin = marks.ends.first }
    return marks
  }

  func tokenizer() throws(InterchangeError) -> any Tokenizer {
    do {
      return try TokenizerFile.open(path)
    } catch let error as TokenizerError {
      throw .tokenizer(error)
    } catch let error as StorageError {
      throw .storage(error)
    } catch { throw .notAModel(path, "\(error)") }
  }

  /// Ours, in the safetensors that an export writes; a folder whose weights have it may be replaced by another export.
  static let mark = (key: "program", value: "minigpt")
  private static let names = [
    configuration, "generation_config.json", "tokenizer.json", "tokenizer_config.json", TensorFolder.single,
  ]

  /// Throws unless an export may take the folder's place: there is none, it is empty, or its model was written by an
  /// export. What else is in it stays (`keep`), so that has to be files.
  package static func checkReplaceable(_ folder: Path) throws {
    if !Files.exists(folder) { return }
    let files = try Files.list(folder), weights = folder.appending(TensorFolder.single)
    if let other = files.first(where: { !isOurs($0) && Files.kind($0) != .file }) {
      throw InterchangeError.notReplaceable(folder, "\(Path(bytes: other.name)) in it is no file")
    }
    if !files.contains(where: isOurs) { return }
    let metadata = (try? SafetensorsFile(weights))?.metadata ?? []
    if metadata.first(where: { $0.key == mark.key })?.value != mark.value {
      throw InterchangeError.notReplaceable(folder, "the model in it is not one that minigpt exported")
    }
  }

  private static func isOurs(_ file: Path) -> Bool { names.contains { Array($0.utf8) == file.name } }

  /// The files of a folder that an export leaves alone.
  static func others(in folder: Path) throws(StorageError) -> [Path] {
    Files.kind(folder) == .folder ? try Files.list(folder).filter { !isOurs($0) } : []
  }
}

extension ModelExport {
  /// What begins and ends a text, as `config.json` has it: an id, a list of ids, or null.
  var markIds: (begin: JSON, end: JSON) {
    let marks = tokenizer.marks, ends = marks.ends.map { JSON(Int($0)) }
    return (
      marks.begin.map { JSON(Int($0)) } ?? .null, ends.count == 1 ? ends[0] : ends.isEmpty ? .null : .array(ends)
    )
  }

  /// Writes the folder of a model that goes on with texts.
  func decoderFolder(_ configuration: JSON, _ tensors: [ExportedTensor], replacing: Bool) throws {
    let (begin, end) = markIds
    func name(_ id: Int32?) -> JSON {
      tokenizer.specialTokens.first { $0.id == id }.map { .string($0.text) } ?? .null
    }
    try huggingFace(
      configuration: configuration, generation: ["bos_token_id": begin, "eos_token_id": end],
      specials: [("bos_token", name(tokenizer.marks.begin)), ("eos_token", name(tokenizer.marks.ends.first))], tensors,
      replacing: replacing)
  }

  /// Writes a model folder with `specials`, the names of special tokens. `replacing` an old one is for the caller to
  /// allow.
  func huggingFace(
    configuration: JSON, generation: JSON, specials: [(JSON.Key, JSON)], _ tensors: [ExportedTensor], replacing: Bool
  ) throws {
    if weights.isGrouped { throw InterchangeError.inexpressible(format: "hf", "weights in \(weights.rawValue)") }
    // `PreTrainedTokenizerFast` takes `tokenizer.json` as it is.
    var tokens: JSONObject = ["tokenizer_class": "PreTrainedTokenizerFast"]
    for (key, value) in specials { tokens.append(key, value) }
    tokens.append("model_max_length", JSON(checkpoint.configuration.context))
    tokens.append("clean_up_tokenization_spaces", false)
    tokens.append("model_input_names", ["input_ids", "attention_mask"])
    let folder = try AtomicFolder(path)
    try write(configuration, HuggingFaceFolder.configuration, in: folder)
    try write(generation, "generation_config.json", in: folder)
    try write(TokenizerJSON.value(tokenizer), "tokenizer.json", in: folder)
    try write(.object(tokens), "tokenizer_config.json", in: folder)
    try write(
      tensors, to: folder.temporary.appending(TensorFolder.single),
      metadata: [(key: "format", value: "pt"), HuggingFaceFolder.mark])
    if replacing { for other in try HuggingFaceFolder.others(in: path) { try folder.keep(other) } }
    try folder.commit(replacing: replacing)
  }
}

extension Activation {
  /// The formula of that name: three names are the same one.
  init?(huggingFace name: String) {
    switch name {
    case "gelu_new", "gelu_pytorch_tanh", "gelu_fast": self = .gelu
    case "relu": self = .relu
    case "relu2": self = .relu2
    case "silu", "swish": self = .silu
    default: return nil
    }
  }

  var huggingFace: JSON {
    switch self {
    case .gelu: "gelu_new"
    case .relu: "relu"
    case .relu2: "relu2"
    case .silu: "silu"
    }
  }

  /// As people write it.
  var title: String {
    switch self {
    case .gelu: "GELU"
    case .relu: "ReLU"
    case .relu2: "squared ReLU"
    case .silu: "SiLU"
    }
  }
}

extension NumberFormat {
  /// As `config.json` names it.
  var torch: JSON {
    switch self {
    case .fp32: "float32"
    case .bf16: "bfloat16"
    case .f16: "float16"
    case .int8: "int8"
    case .int4: "int4"
    }
  }
}
