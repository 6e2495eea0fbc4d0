internal import MiniGPTPlatform

/// Where a command may write: not where it reads, not twice, not over what is there unless that was asked for, and not
/// where another process is writing. Names are this process's until the value is gone.
///
/// Files are compared by device and number, so that links and other spellings are seen through.
package final class Outputs {
  private var inputs: [FileIdentity: Path] = [:]
  private var claimed: [FileIdentity: Path] = [:]
  private var names: Set<Path> = []
  private var locks: [NameLock] = []

  /// - Parameter inputs: files that are read, and folders of such files.
  package init(reading inputs: [Path]) {
    for path in inputs { add(path) }
    for descriptor: Int32 in [1, 2] {
      if let identity = FileIdentity(standard: descriptor) { claimed[identity] = "standard output" }
    }
  }

  private func add(_ input: Path) {
    if let identity = FileIdentity(input) { inputs[identity] = input }
    guard Files.kind(input) == .folder, let files = try? Files.list(input) else { return }
    for file in files where Files.kind(file) == .file {
      if let identity = FileIdentity(file) { inputs[identity] = file }
    }
  }

  /// Keeps other processes from the files whose names begin with `base`, as long as this value lives.
  package func lock(_ base: Path) throws(StorageError) { locks.append(try NameLock(AtomicFile.destination(of: base))) }

  /// Throws where the file system has no such names, as it is too long for one.
  package func check(nameOf path: Path) throws(StorageError) {
    try path.validate()
    if let error = Files.nameError(path) { throw .refused(.create, path, error) }
  }

  /// Takes a name to write to.
  ///
  /// - Parameters:
  ///   - replaces: whether what is there was asked to be replaced.
  ///   - waysOn: what else can be done where it was not.
  package func claim(_ path: Path, replaces: Bool, waysOn: String) throws {
    try check(nameOf: path)
    if let kind = Files.kind(path), kind != .file, kind != .folder { throw StorageError.notAFile(path, kind) }
    if let identity = FileIdentity(path) {
      if let input = inputs[identity] { throw OutputRefusal.read(path, as: input) }
      if let other = claimed[identity] { throw OutputRefusal.twice(path, other) }
      if !replaces { throw OutputRefusal.exists(path, waysOn: waysOn) }
      claimed[identity] = path
    }
    if !names.insert(path).inserted { throw OutputRefusal.twice(path, path) }
  }
}

/// Why a command does not write where it was told to.
package enum OutputRefusal: Error, Equatable, CustomStringConvertible {
  case exists(Path, waysOn: String)
  case read(Path, as: Path)
  case twice(Path, Path)

  package var description: String {
    switch self {
    case .exists(let path, let waysOn): "\(path): is there already; \(waysOn)"
    case .read(let path, let input):
      "\(path): cannot be written, since it is being read" + (path == input ? "" : " (as \(input))")
        + "; another name leaves it alone"
    case .twice(let path, let other):
      "\(path): two things would be written there" + (path == other ? "" : " (the other is \(other))")
        + "; give one of them another name"
    }
  }
}
