internal import MiniGPT
internal import Platform

/// Which checkpoint a command works with: the one that was named, or the newest in `checkpoints/`.
struct ModelChoice {
  let path: Path
  private let isNamed: Bool

  private static let folder: Path = "checkpoints"
  private static let ending = ".safetensors"
  private static let bestEnding = ".best.safetensors"

  init(_ name: [UInt8]?) throws {
    guard let name else {
      self = try Self.newest()
      return
    }
    path = Path(bytes: name)
    isNamed = true
  }

  private init(found path: Path) {
    self.path = path
    isNamed = false
  }

  /// The newest model by time of change; of its run the best one, where there is one.
  ///
  /// Files that cannot be opened as a model are passed over: a broken one must not hide a whole one.
  static func newest() throws -> ModelChoice {
    guard Files.kind(folder) == .folder else { throw NoModel.noFolder }
    let files = try Files.list(folder).filter { $0.hasSuffix(ending) && !isStep($0) }
    let dated = files.map { (path: $0, time: Files.modificationTime($0) ?? 0) }.sorted { $0.time > $1.time }
    for (path, _) in dated {
      let best =
        path.hasSuffix(bestEnding) ? path : Path(bytes: path.bytes.dropLast(ending.utf8.count) + bestEnding.utf8)
      for candidate in [best, path] where files.contains(candidate) && isModel(candidate) {
        return ModelChoice(found: candidate)
      }
    }
    throw files.isEmpty ? NoModel.noFile : NoModel.noneWhole(count: files.count)
  }

  /// Says which model it is, where the user did not.
  func announced(on console: Console) -> ModelChoice {
    if !isNamed { console.note("model: \(path)") }
    return self
  }

  func open() throws -> Checkpoint { try Checkpoint(path) }

  func openTokenizer() throws -> any Tokenizer { try open().tokenizer() }

  private static func isModel(_ path: Path) -> Bool { (try? Checkpoint(path)) != nil }

  /// `NAME.step-<n>.safetensors` holds weights to average, no model of its own.
  private static func isStep(_ path: Path) -> Bool {
    let parts = path.name.split(separator: UInt8(ascii: "."))
    return parts.count >= 3 && parts[parts.count - 2].starts(with: "step-".utf8)
  }
}

/// There is no model to take, and how to get one.
enum NoModel: Error, CustomStringConvertible {
  case noFolder, noFile
  case noneWhole(count: Int)

  var description: String {
    switch self {
    case .noFolder, .noFile:
      "no model in checkpoints: make one with minigpt train corpora/shakespeare.txt, or name one with --model FILE"
    case .noneWhole(let count):
      "no model in checkpoints: \(grouped(count)) file\(count == 1 ? "" : "s") there, none a language model of minigpt;"
        + " make one with minigpt train corpora/shakespeare.txt"
    }
  }
}
