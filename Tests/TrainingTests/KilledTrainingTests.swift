import MiniGPTCheckpoints
import Foundation
import MiniGPTStorage
import MiniGPTTestSupport
import Testing
import MiniGPTTraining

/// A run that is killed, which an error thrown from an event stands for: nothing is written behind it.
@Suite struct KilledTrainingTests {
  struct Killed: Error {}

  private func files(_ folder: Folder) throws -> [Data] { [try folder.data("latest"), try folder.data("best")] }

  private func run(_ folder: Folder, resumes: Bool, event: (TrainingEvent) throws -> Void = { _ in }) throws {
    let corpus = try folder.write("corpus", verses(60))
    let trainer = try tinySetup(corpus) { $0.saveEvery = 3 }.prepare().trainer
    if resumes { try trainer.resume(try Checkpoint(folder.path("latest"))) }
    _ = try trainer.run(
      saveTo: folder.path("latest"), bestPath: folder.path("best"), shouldStop: { false }, event: event)
  }

  /// Evaluations at 4, 8, 12; saves at 0, 3, 6, 9, 12. A run killed at any event ends in the same files.
  @Test func endsInTheSameFilesWhereverItIsKilled() throws {
    let straight = try Folder()
    var events = 0
    try run(straight, resumes: false) { _ in events += 1 }
    let expected = try files(straight)
    #expect(events == 12 + 3 + 5)
    for last in 1...events {
      let folder = try Folder()
      var count = 0
      #expect(throws: Killed.self) {
        try run(folder, resumes: false) { _ in
          count += 1
          if count == last { throw Killed() }
        }
      }
      // At any moment a complete checkpoint is there.
      let left = try Checkpoint(folder.path("latest"))
      #expect(left.hasOptimizerState)
      try run(folder, resumes: true)
      #expect(try files(folder) == expected, "killed at event \(last)")
    }
  }

  /// The best one is committed before the latest knows of it.
  @Test func bestIsThereBeforeTheLatestKnows() throws {
    let folder = try Folder()
    var isSeen = false
    #expect(throws: Killed.self) {
      try run(folder, resumes: false) {
        if case .evaluated(let step, _, let isBest) = $0 {
          #expect(isBest && step.step == 4)
          isSeen = true
          throw Killed()
        }
      }
    }
    #expect(isSeen)
    let best = try Checkpoint(folder.path("best")), latest = try Checkpoint(folder.path("latest"))
    #expect(best.record?.step == 4)
    #expect(best.record?.best?.step == 4)
    #expect(!best.hasOptimizerState)
    #expect(latest.record?.step == 3)
    #expect(latest.record?.best == nil)
  }

  @Test func patienceEndsTheRun() throws {
    let folder = try Folder(), corpus = try folder.write("corpus", verses(60))
    let trainer = try tinySetup(corpus) {
      $0.learningRate = 0
      $0.minimumLearningRate = 0
      $0.steps = 40
      $0.patience = 2
    }.prepare().trainer
    let outcome = try trainer.run(
      saveTo: folder.path("latest"), bestPath: folder.path("best"), shouldStop: { false }, event: { _ in })
    #expect(outcome == .outOfPatience)
    // Nothing is learned: the first evaluation stays the best, and two more were waited for.
    #expect(trainer.record.step == 12)
    #expect(trainer.record.best?.step == 4)
    #expect(try Checkpoint(folder.path("latest")).record?.step == 12)
  }

  /// A fine-tuning is measured before its first step; stopped there and resumed, it keeps that best one.
  @Test func whatWasMeasuredFirstStays() throws {
    let folder = try Folder()
    let corpus = try folder.write("corpus", verses(60)), base = folder.path("base.safetensors")
    let first = try tinySetup(corpus).prepare().trainer
    _ = try first.run(saveTo: base, bestPath: folder.path("base.best.safetensors"), shouldStop: { false }) { _ in }
    let path = folder.path("m.safetensors"), best = folder.path("m.best.safetensors")
    var setup = try tinySetup(corpus)
    setup.tokenizer = .given(try Checkpoint(base).tokenizer())
    for resumes in [false, true] {
      let trainer = try setup.prepare(from: resumes ? nil : Checkpoint(base)).trainer
      if resumes { try trainer.resume(try Checkpoint(path)) }
      var evaluations = 0
      let outcome = try trainer.run(
        saveTo: path, bestPath: best, shouldStop: { resumes || evaluations > 0 },
        event: { event in if case .evaluated = event { evaluations += 1 } })
      #expect(outcome == .stopped && trainer.record.step == 0 && trainer.record.best?.step == 0)
      #expect(evaluations == (resumes ? 0 : 1) && Files.exists(best))
    }
  }
}
