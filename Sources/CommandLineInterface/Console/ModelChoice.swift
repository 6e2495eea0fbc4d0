internal import MiniGPT
internal import MiniGPTPlatform

/// What a model does.
enum ModelKind {
  case languageModel, translator, any

  /// Whether a file opens as such a model.
  func opens(_ path: Path) -> Bool {
    switch self {
    case .languageModel: (try? Checkpoint(path)) != nil
    case .translator: (try? TranslatorCheckpoint(path)) != nil
    case .any: Self.languageModel.opens(path) || Self.translator.opens(path)
    }
  }

  var name: String {
    switch self {
    case .languageModel, .any: "model"
    case .translator: "translator"
    }
  }

  /// The command that makes one.
  var recipe: String {
    switch self {
    case .languageModel, .any: "minigpt train corpora/shakespeare.txt"
    case .translator: "minigpt train --pairs corpora/grammar.tsv"
    }
  }
}

/// Which checkpoint a command works with: the one that was named, or the newest in `checkpoints/`.
struct ModelChoice {
  let path: Path
  private let isNamed: Bool

  private static let folder: Path = "checkpoints"
  private static let ending = ".safetensors"
  private static let bestEnding = ".best.safetensors"
  private static let averageEnding = ".average.safetensors"

  init(_ name: [UInt8]?, _ kind: ModelKind = .languageModel) throws {
    guard let name else {
      self = try Self.newest(kind)
      return
    }
    path = Path(bytes: name)
    isNamed = true
  }

  private init(found path: Path) {
    self.path = path
    isNamed = false
  }

  /// The newest model by time of change; of its run the best one, where there is one, or else the average.
  ///
  /// Files that cannot be opened as a model are passed over: a broken one must not hide a whole one.
  static func newest(_ kind: ModelKind = .languageModel) throws -> ModelChoice {
    guard Files.kind(folder) == .folder else { throw NoModel(kind: kind, files: 0) }
    let files = try Files.list(folder).filter { $0.hasSuffix(ending) && !isStep($0) }
    let dated = files.map { (path: $0, time: Files.modificationTime($0) ?? 0) }.sorted { $0.time > $1.time }
    for (path, _) in dated {
      let special = [bestEnding, averageEnding].first { path.hasSuffix($0) }
      let run = Array(path.bytes.dropLast((special ?? ending).utf8.count))
      for candidate in [bestEnding, averageEnding, ending].map({ Path(bytes: run + Array($0.utf8)) })
      where files.contains(candidate) && kind.opens(candidate) {
        return ModelChoice(found: candidate)
      }
    }
    throw NoModel(kind: kind, files: files.count)
  }

  /// Says which model it is, where the user did not.
  func announced(on console: Console) -> ModelChoice {
    if !isNamed { console.note("model: \(path)") }
    return self
  }

  func open() throws -> Checkpoint {
    do { return try Checkpoint(path) } catch {
      if case .translator? = try? CheckpointKind(of: path) { throw OtherKind(path: path, wanted: .languageModel) }
      throw error
    }
  }

  func openTranslator() throws -> TranslatorCheckpoint {
    do { return try TranslatorCheckpoint(path) } catch {
      if isLanguageModel { throw OtherKind(path: path, wanted: .translator) }
      throw error
    }
  }

  /// Of a model of any kind.
  func openTokenizer() throws -> any Tokenizer {
    switch try CheckpointKind(of: path) {
    case .languageModel: try open().tokenizer()
    case .translator: try openTranslator().tokenizer()
    }
  }

  /// Whether it opens as one; what is no model of ours at all is none.
  private var isLanguageModel: Bool { ModelKind.languageModel.opens(path) }

  /// `NAME.step-<n>.safetensors` holds weights to average, no model of its own.
  private static func isStep(_ path: Path) -> Bool {
    let parts = path.name.split(separator: UInt8(ascii: "."))
    return parts.count >= 3 && parts[parts.count - 2].starts(with: "step-".utf8)
  }
}

/// The model that was named does something else than the command needs.
struct OtherKind: Error, CustomStringConvertible {
  let path: Path
  let wanted: ModelKind

  var description: String {
    wanted == .translator
      ? "\(path): a language model, where a translator is wanted: sample, repl and eval FILE work with language models"
      : "\(path): a translator, where a language model is wanted: translate and eval --pairs FILE work with translators"
  }
}

/// There is no model to take, and how to get one.
struct NoModel: Error, CustomStringConvertible {
  let kind: ModelKind
  /// Files in the folder, none of which is such a model.
  let files: Int

  var description: String {
    if files == 0 {
      return "no \(kind.name) in checkpoints: make one with \(kind.recipe), or name one with --model FILE"
    }
    let what = kind == .translator ? "translator" : "language model"
    return "no \(kind.name) in checkpoints: \(grouped(files)) file\(files == 1 ? "" : "s") there, none a \(what) of"
      + " minigpt; make one with \(kind.recipe)"
  }
}
