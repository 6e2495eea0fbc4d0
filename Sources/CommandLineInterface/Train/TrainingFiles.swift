internal import MiniGPT

/// Where a run writes, and the rule that nothing is overwritten.
struct TrainingFiles {
  private let run: RunFiles
  let log: Path
  /// Whether `--log` names it.
  private let isLogNamed: Bool
  /// Whether the checkpoint has the name that it gets by itself.
  let isDefault: Bool

  var checkpoint: Path { run.checkpoint }
  var best: Path { run.best }
  var tokens: Path { run.tokens }

  init(out: [UInt8]?, log: [UInt8]?, corpus: Path) {
    // What comes through a pipe has no name.
    let isNamed = !corpus.stem.isEmpty && corpus != "-" && Files.kind(corpus) != .pipe
    let name = isNamed ? corpus.stem : Array("model".utf8)
    run = RunFiles(out.map { Path(bytes: $0) } ?? Path("checkpoints").appending(name + RunFiles.ending.utf8))
    self.log = log.map { Path(bytes: $0) } ?? run.log
    isLogNamed = log != nil
    isDefault = out == nil
  }

  /// Takes the names that the run writes, and throws where it may not; what killed saves left behind is cleared away.
  func claim(_ outputs: Outputs, overwrite: Bool, resume: Bool, keepsIds: Bool) throws {
    if isDefault { try Files.createFolder(checkpoint.folder) }
    try outputs.lock(run.name)
    let replaces = overwrite || resume
    let hasCheckpoint = Files.exists(checkpoint)
    try outputs.claim(
      checkpoint, replaces: replaces,
      waysOn: "--resume goes on with it, --overwrite replaces it, another --out leaves it alone")
    if hasCheckpoint, let kind = Files.kind(checkpoint), kind != .file { throw StorageError.notAFile(checkpoint, kind) }
    let rest = hasCheckpoint ? "" : "--init begins with it, "
    for model in [best, run.average] + (try run.steps().map(\.path)) {
      try outputs.claim(
        model, replaces: replaces, waysOn: rest + "--overwrite replaces it, another --out leaves it alone")
    }
    try outputs.claim(
      log, replaces: replaces,
      waysOn: "--overwrite replaces it, another --\(isLogNamed ? "log" : "out") leaves it alone")
    try TrainingLog.check(log)
    // Ids of another text are of no use to anybody; what is something else is.
    if keepsIds {
      try outputs.claim(
        tokens, replaces: TokenFile.isOne(tokens), waysOn: "it holds no ids; --keep-ids off leaves it alone")
    }
    try outputs.check(nameOf: run.step(Int(Int32.max)))
    try run.removeUnfinished()
  }

  /// Removes the weights of steps of a run that was replaced; those of `kept` steps are of the one in its place.
  func removeSteps(but kept: [Int]) throws {
    for (step, path) in try run.steps() where !kept.contains(step) { try Files.remove(path) }
  }
}
