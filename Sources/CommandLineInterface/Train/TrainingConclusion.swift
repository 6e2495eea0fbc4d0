internal import MiniGPT
internal import MiniGPTPlatform

extension TrainingFiles {
  /// Says how a run ended and where its model is, and returns the file to go on with; throws where it was interrupted.
  func conclude(_ record: TrainingRecord, _ outcome: TrainingOutcome, _ console: Console) throws -> Path {
    switch outcome {
    case .stopped:
      console.note(
        "stopped at step \(grouped(record.step)); saved to \(checkpoint), and --resume"
          + (isDefault ? "" : " --out \(printable(shellQuoted(checkpoint.bytes)))") + " goes on there")
      throw Interrupted()
    case .leftAlone:
      console.note("stopped before the first step; \(checkpoint) is as it was")
      throw Interrupted()
    case .outOfPatience:
      console.note(
        "stopped at step \(grouped(record.step)): \(record.evaluationsSinceBest) evaluations without a better one")
    case .finished:
      console.note(
        "done: \(grouped(record.step)) step\(record.step == 1 ? "" : "s") in \(duration(MonotonicTime.sinceProcessStart))"
      )
    }
    guard let bestSoFar = record.best, Files.exists(best) else {
      console.note("saved: \(checkpoint)")
      return checkpoint
    }
    console.note("best: validation loss \(fixed(bestSoFar.loss, 4)) at step \(grouped(bestSoFar.step))")
    console.note("saved: \(checkpoint), the best in \(best)")
    return best
  }
}
