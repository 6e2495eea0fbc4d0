package import MiniGPTCheckpoints
package import MiniGPTStorage
internal import MiniGPTTensors
internal import MiniGPTTokenization
package import MiniGPTTransformer

/// A family of models of another program: how they are described, which tensors they have, how they are written.
protocol ForeignFormat: Sendable {
  associatedtype Model: TrainableModel
  associatedtype Container: ForeignContainer
  /// What containers of such a model say that they hold.
  var name: String { get }
  /// The unusual fields of a shape that it can say, or refuses in its own words; others must have their usual value.
  var carries: [String] { get }
  /// The kinds of positions that such models have, or can be given.
  var positions: [Positions] { get }
  /// Returns the shape that a container describes; what minigpt is not is refused by its name.
  func configuration(_ container: Container) throws(InterchangeError) -> Model.Configuration
  /// Compares a configuration with tensors before anything is built of it.
  func settle(
    _ configuration: inout Model.Configuration, _ tensors: Container.Tensors
  ) throws(InterchangeError)
  func map(_ configuration: Model.Configuration, _ weights: NumberFormat) -> TensorMap
  func tokenizer(_ container: Container) throws(InterchangeError) -> any Tokenizer
  /// Returns what begins and ends a text as the container says it, given what its tokenizer alone says.
  func marks(_ container: Container, _ tokenizer: TextMarks) throws(InterchangeError) -> TextMarks
  /// Why a model cannot be written whose positions are among these and whose other fields are carried.
  func refusal(_ configuration: Model.Configuration) -> String?
  func write(_ export: ModelExport<Model>, _ tensors: [ExportedTensor], replacing: Bool) throws
}

/// What models of several families come in: a folder, or a file.
protocol ForeignContainer: Sendable {
  associatedtype Tensors: TensorSource
  static var format: ExportFormat { get }
  /// The program that it is for.
  static var program: String { get }
  var path: Path { get }
  init(_ path: Path) throws(InterchangeError)
  /// Returns the name of the family that it says it holds.
  func family() throws(InterchangeError) -> String
  func tensors() throws(InterchangeError) -> Tensors
  func unknown(_ family: String, known: String) -> InterchangeError
}

/// All families that minigpt reads and writes.
package enum ForeignFormats {
  static let all: [any ForeignFormat] = [
    GPT2Folder(), LlamaFolder(family: .llama), LlamaFolder(family: .qwen3), MarianFolder(norm: .post),
    MarianFolder(norm: .pre), GPT2GGUF(), LlamaGGUF(family: .llama), LlamaGGUF(family: .qwen3),
  ]

  /// Opens a model folder of Hugging Face, or a file in GGUF. Its headers are checked, its numbers not yet read.
  package static func open(_ path: Path) throws(InterchangeError) -> any OpenedModel {
    Files.kind(path) == .folder ? try open(HuggingFaceFolder(path)) : try open(GGUFFile(path))
  }

  private static func open<Container: ForeignContainer>(
    _ container: Container
  ) throws(InterchangeError) -> any OpenedModel {
    let family = try container.family()
    var known: [String] = []
    for format in all {
      guard let name = name(of: format, in: container) else { continue }
      if JSON.Key(name) == JSON.Key(family) { return try format.open(container.path) }
      known.append("`\(name)`")
    }
    let last = known.count > 1 ? " and " + known.removeLast() : ""
    throw container.unknown(family, known: known.joined(separator: ", ") + last)
  }

  /// The programs that a model of such a shape opens in, and as what; where there are none, why the first of them does not
  /// take it. Its vocabulary may still be one that a program does not have.
  package static func readers(of shape: some ModelConfiguration) -> (names: [String], lack: String?) {
    var names: [String] = [], lack: String?, isNear = false
    func ask<Format: ForeignFormat>(_ format: Format) {
      guard let shape = shape as? Format.Model.Configuration else { return }
      if let missing = format.lack(shape) {
        if lack == nil || !isNear && format.isNear(shape) { (lack, isNear) = (missing, format.isNear(shape)) }
      } else {
        names.append("\(Format.Container.program) (\(format.name))")
      }
    }
    for format in all { ask(format) }
    return (names, lack)
  }

  private static func name<Format: ForeignFormat>(of format: Format, in container: some ForeignContainer) -> String? {
    container is Format.Container ? format.name : nil
  }
}

extension ForeignFormat {
  var carries: [String] { [] }

  func marks(_ container: Container, _ tokenizer: TextMarks) -> TextMarks { tokenizer }

  /// Whether a shape is of the family's kind, so that what the family lacks is worth saying.
  func isNear(_ configuration: Model.Configuration) -> Bool { positions.contains(configuration.block.positions) }

  /// What of a model the format cannot say; nil where it says all.
  func lack(_ configuration: Model.Configuration) -> String? {
    let kind = configuration.block.positions
    if !positions.contains(kind) { return "\(kind.rawValue) positions, which \(name) does not have" }
    // How a model started is over.
    let carried = carries + ["zero-init"]
    for field in Model.Configuration.fields where field.traits.contains(.sparse) && !carried.contains(field.name) {
      if !field.isEqual(configuration, Model.Configuration()) {
        return "\(field.flagValue(of: configuration)), which \(name) does not have"
      }
    }
    return refusal(configuration)
  }

  fileprivate func open(_ path: Path) throws(InterchangeError) -> any OpenedModel {
    let container = try Container(path)
    var configuration = try configuration(container)
    let tensors = try container.tensors()
    try settle(&configuration, tensors)
    if let lack = lack(configuration) { throw .unsupported(path, lack) }
    let (weights, twins) = try map(configuration, .fp32).read(Model(configuration).layout, from: tensors)
    let vocabularySize = configuration.vocabularySize
    return ModelCheckpoint<Model>(
      configuration,
      WeightSource(
        path: path, weights: weights, byteCount: tensors.byteCount,
        // The container is opened again: what it holds of a vocabulary need not stay in memory.
        tokenizer: { try tokenizer(vocabularySize, path) },
        verify: {
          try tensors.verify()
          for twin in twins where !twin.table.isEqual(to: twin.other) {
            throw InterchangeError.unsupported(
              path, "\(twin.name) differs from the embedding: minigpt's output is tied to it")
          }
        }))
  }

  /// The tokenizer, if it is that of the model: one with fewer tokens leaves rows of the model unused, as models have them
  /// whose vocabulary was rounded up.
  private func tokenizer(_ vocabularySize: Int, _ path: Path) throws(InterchangeError) -> any Tokenizer {
    let container = try Container(path), own = try tokenizer(container), count = own.vocabularySize
    guard var tokenizer = count == vocabularySize ? own : count < vocabularySize ? own.padded(to: vocabularySize) : nil
    else {
      throw .contradiction(path, "its tokenizer has \(count) tokens, but its model \(vocabularySize)")
    }
    var marks = try marks(container, tokenizer.marks)
    // An id beyond the vocabulary is a default that was never set; none at all is an answer.
    let known = marks.ends.filter { Int($0) < count }
    if known.isEmpty, !marks.ends.isEmpty { marks.ends = tokenizer.marks.ends } else { marks.ends = known }
    if Int(marks.begin ?? 0) >= count { marks.begin = tokenizer.marks.begin }
    tokenizer.marks = marks
    return tokenizer
  }
}

/// Whatever a MODEL may be.
package enum ModelFile {
  /// Opens a checkpoint of any kind, a model folder of Hugging Face, or a GGUF file.
  package static func open(_ path: Path) throws(CheckpointError) -> any OpenedModel {
    if Files.kind(path) != .folder && !GGUFFile.looksLike(path) {
      if let what = OtherFile.describe(path) { throw .otherFile(path, what) }
      return try CheckpointFormat.openModel(path)
    }
    do throws(InterchangeError) { return try ForeignFormats.open(path) } catch { throw .foreign(error) }
  }
}
