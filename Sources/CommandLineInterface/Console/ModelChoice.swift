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
  func openAny() throws -> any OpenedModel {
    if Files.kind(path) == .folder, !Files.exists(path.appending("config.json")) {
      let models = Self.models(in: path)
      if !models.isEmpty { throw FolderOfModels(path: path, models: models) }
    }
    return try ModelFile.open(path)
  }

  /// Files of a folder that may be models, by name; of a run only the one that a person names.
  static func models(in folder: Path) -> [Path] {
    let files = ((try? Files.list(folder)) ?? []).filter(RunFiles.mayBeModel)
    return files.filter { RunFiles(containing: $0).models.first { files.contains($0) } == $0 }
      .sorted { $0.name.lexicographicallyPrecedes($1.name) }
  }

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

/// A folder where one of the models in it is wanted.
struct FolderOfModels: Error, CustomStringConvertible {
  let path: Path
  let models: [Path]

  var description: String {
    "\(path): a folder, and one of its models is wanted: "
      + models.prefix(5).map { "\($0)" }.joined(separator: ", ") + (models.count > 5 ? ", …" : "")
  }
}

/// There is no model to take, and how to get one.
struct NoModel: Error, CustomStringConvertible {
  private let wanted: ModelKind
  /// "a translator", but plainly a model where any would do, or one that continues texts.
  private let name: String
  /// Files in the folder, none of which is such a model.
  private let files: Int
  /// What makes one: with the file of the README, where it is there.
  private let recipe: String
  /// One that lies in the current folder.
  private let near: Path?

  init(kind: ModelKind?, files: Int) {
    wanted = kind ?? .languageModel
    name = wanted.name == ModelKind.languageModel.name ? "model" : wanted.noun
    self.files = files
    let words = wanted.recipe.split(separator: " "), file = words.last.map(String.init) ?? ""
    recipe =
      Files.exists(Path(file))
      ? wanted.recipe : (words.dropLast() + [file.hasSuffix(".tsv") ? "YOUR.tsv" : "YOUR.txt"]).joined(separator: " ")
    near = ModelChoice.models(in: ".").first
  }

  var description: String {
    if files == 0 {
      return "no \(name) in checkpoints: make one with \(recipe), or name one with --model"
        + " \(near.map { printable(shellQuoted($0.name)) } ?? "FILE")"
    }
    return "no \(name) in checkpoints: \(grouped(files)) file\(files == 1 ? "" : "s") there, none a \(wanted.noun) of"
      + " minigpt; make one with \(recipe)"
  }
}
