extension TrainingSetup {
  /// Trains and leaves a checkpoint at `path`, the best one beside it; replaces what is there.
  ///
  /// `progress` hears of every step, with its number and its loss in nats a token, and gives false to stop: what was
  /// learned until then is saved.
  public func train(to path: String, progress: (_ step: Int, _ loss: Double) -> Bool = { _, _ in true }) throws {
    let trainer = try prepare().trainer, path = Path(path)
    let best = path.folder.appending(path.stem + Array(".best.safetensors".utf8))
    var goesOn = true
    _ = try trainer.run(saveTo: path, bestPath: best, shouldStop: { !goesOn }) { event in
      if case .stepped(let step) = event { goesOn = progress(step.step, step.loss) }
    }
  }
}
