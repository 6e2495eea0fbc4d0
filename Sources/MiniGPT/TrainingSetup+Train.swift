extension TrainingSetup {
  /// Trains and leaves a checkpoint at `path`, the best one beside it; replaces what is there.
  ///
  /// `progress` hears of every step, with its number and its loss in nats a token, and gives false to stop: what was
  /// learned until then is saved.
  public func train(to path: String, progress: (_ step: Int, _ loss: Double) -> Bool = { _, _ in true }) throws {
    let trainer = try prepare().trainer, files = RunFiles(Path(path))
    var goesOn = true
    _ = try trainer.run(saveTo: files.checkpoint, bestPath: files.best, shouldStop: { !goesOn }) { event in
      if case .stepped(let step) = event { goesOn = progress(step.step, step.loss) }
    }
  }
}
