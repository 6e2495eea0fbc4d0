internal import MiniGPT
internal import MiniGPTPlatform

/// Which model a command works with: the one that was named, or the newest in `checkpoints/`.
struct ModelChoice {
  let path: Path
  private let isNamed: Bool

  private static let folder: Path = "checkpoints"

  /// `kind` is what the newest one must be; nil for any.
  init(_ name: [UInt8]?, _ kind: ModelKind? = .languageModel) throws {
    guard let name else {
      self = try Self.newest(kind)
      return
    }
    path = Path(bytes: name)
    isNamed = true
    if path.bytes.contains(0x20), !path.hasSuffix(RunFiles.ending), !Files.exists(path) { throw Missing(path: path) }
  }

  private init(found path: Path) {
    self.path = path
    isNamed = false
  }

  /// The newest model by time of change; of its run the best one, where there is one, or else the average.
  ///
  /// Files that cannot be opened as a model are passed over: a broken one must not hide a whole one.
  static func newest(_ kind: ModelKind? = .languageModel) throws -> ModelChoice {
    guard Files.kind(folder) == .folder else { throw NoModel(kind: kind, files: 0) }
    let files = try Files.list(folder).filter(RunFiles.mayBeModel)
    let dated = files.map { (path: $0, time: Files.modificationTime($0) ?? 0) }.sorted { $0.time > $1.time }
    for (path, _) in dated {
      for candidate in RunFiles(containing: path).models where files.contains(candidate) {
        if let model = try? ModelFile.open(candidate), kind == nil || kind?.name == model.kind.name {
          return ModelChoice(found: candidate)
        }
      }
    }
    throw NoModel(kind: kind, files: files.count)
  }

  /// Says which model it is, where the user did not.
  func announced(on console: Console) -> ModelChoice {
    if !isNamed { console.note("model: \(path)") }
    return self
  }

  /// Opens it, whatever it does.
  func openAny() throws -> any OpenedModel { try ModelFile.open(path) }

  func open() throws -> Checkpoint { try openAny().textModel() }

  func openTranslator() throws -> TranslatorCheckpoint { try openAny().translator() }
}

/// Several words where a model is wanted, and no file of that name: they may be meant as a prompt.
struct Missing: Error, CustomStringConvertible {
  let path: Path

  var description: String {
    "\(path): there is no such model; to continue a text: minigpt sample --prompt \(printable(shellQuoted(path.bytes)))"
  }
}

/// There is no model to take, and how to get one.
struct NoModel: Error, CustomStringConvertible {
  private let wanted: ModelKind
  /// "a translator", but plainly a model where any would do, or one that continues texts.
  private let name: String
  /// Files in the folder, none of which is such a model.
  private let files: Int

  init(kind: ModelKind?, files: Int) {
    wanted = kind ?? .languageModel
    name = wanted.name == ModelKind.languageModel.name ? "model" : wanted.noun
    self.files = files
  }

  var description: String {
    if files == 0 {
      return "no \(name) in checkpoints: make one with \(wanted.recipe), or name one with --model FILE"
    }
    return "no \(name) in checkpoints: \(grouped(files)) file\(files == 1 ? "" : "s") there, none a \(wanted.noun) of"
      + " minigpt; make one with \(wanted.recipe)"
  }
}
