internal import MiniGPT

/// Why a run does not go on.
enum ResumeProblem: Error, CustomStringConvertible {
  /// More was done than is asked for.
  case tooFewSteps(Path, done: Int, wanted: Int)
  /// Something else is given than the run began with.
  case differs(TrainingError, Path)
  /// There is no checkpoint, but perhaps the best one.
  case noCheckpoint(Path, best: Path?)

  var description: String {
    switch self {
    case .tooFewSteps(let path, let done, let wanted):
      "\(path): \(grouped(done)) steps are done already; --steps counts from the beginning: --steps \(done + wanted)"
        + " does \(grouped(wanted)) more"
    case .differs(let error, let path):
      "\(error); --init \(path) begins a new training with its weights, to another --out"
    case .noCheckpoint(let path, let best):
      "\(path): there is no checkpoint to go on from"
        + (best.map { "; the best one is still there: --init \($0) begins a new training with it, to another --out" }
          ?? "; without --resume a training begins")
    }
  }
}
