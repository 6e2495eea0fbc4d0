internal import MiniGPTCheckpoints
internal import MiniGPTStorage

/// What another run left under the names of this one. It stays whole until there is something to put in its place: a run
/// that comes to nothing, or is stopped before its first step, takes nothing away.
struct ReplacedRun {
  private let files: RunFiles
  private let best: Path
  /// This run's best state, of before its first step: beside the other's, under a name that is cleared away like that of
  /// an unfinished save.
  private var waiting: Path?

  /// Nil where nothing is there.
  init?(_ files: RunFiles, best: Path) {
    if ![files.checkpoint, best, files.average].contains(where: Files.exists) { return nil }
    self.files = files
    self.best = best
  }

  /// Where a best state goes meanwhile.
  mutating func nameForBest() -> Path {
    let name = waiting ?? AtomicFile.waitingName(of: best)
    waiting = name
    return name
  }

  /// Gives way: `write` puts a checkpoint into the place of the other's, then its other models go.
  func giveWay(to write: (Path) throws -> Void) throws {
    if let waiting { try AtomicFile.replace(best, by: waiting) }
    try write(files.checkpoint)
    for path in (waiting == nil ? [best] : []) + [files.average] { try Files.remove(path) }
  }

  /// Forgets what was to take its place.
  func stay() { if let waiting { Files.removeQuietly(waiting) } }
}
