internal import MiniGPT

/// Where a run writes, and the rule that nothing is overwritten.
struct TrainingFiles {
  private let run: RunFiles
  let log: Path

  var checkpoint: Path { run.checkpoint }
  var best: Path { run.best }

  init(out: [UInt8]?, log: [UInt8]?, corpus: Path) {
    let name = corpus.stem.isEmpty ? Array("model".utf8) : corpus.stem
    run = RunFiles(out.map { Path(bytes: $0) } ?? Path("checkpoints").appending(name + RunFiles.ending.utf8))
    self.log = log.map { Path(bytes: $0) } ?? run.log
  }

  /// Throws unless the run may write here; what killed saves left behind is cleared away.
  func prepare(isDefault: Bool, overwrite: Bool, resume: Bool) throws {
    if isDefault { try Files.createFolder(checkpoint.folder) }
    if Files.exists(checkpoint) {
      if !overwrite && !resume {
        throw Existing(
          path: checkpoint, waysOn: "--resume goes on with it, --overwrite replaces it")
      }
      if let kind = Files.kind(checkpoint), kind != .file { throw StorageError.notAFile(checkpoint, kind) }
    }
    try Files.checkWritable(folder: checkpoint.folder)
    try AtomicFile.removeLeftovers(of: checkpoint)
    try AtomicFile.removeLeftovers(of: best)
  }
}
