import MiniGPTCheckpoints
import Foundation
import MiniGPTStorage
import MiniGPTTestSupport
import Testing
import MiniGPTTraining

/// What another run left goes when this one has something to put in its place, and not before.
@Suite struct ReplacedRunTests {
  private let folder: Folder
  private let corpus: MiniGPTStorage.Path
  private let files: RunFiles

  init() throws {
    folder = try Folder()
    corpus = try folder.write("corpus", verses(60))
    files = RunFiles(folder.path("m.safetensors"))
  }

  /// Runs to its end, or until it is told to stop; `change` makes another run of it.
  @discardableResult
  private func run(
    from initial: MiniGPTStorage.Path? = nil, stops: (Int) -> Bool = { _ in false },
    change: (inout TrainingConfiguration) -> Void = { _ in }
  ) throws -> TrainingOutcome {
    var setup = try tinySetup(corpus, change: change)
    let checkpoint = try initial.map { try Checkpoint($0) }
    if let checkpoint { setup.tokenizer = .given(try checkpoint.tokenizer()) }
    let trainer = try setup.prepare(from: checkpoint).trainer
    return try trainer.run(
      saveTo: files.checkpoint, bestPath: files.best, shouldStop: { stops(trainer.record.step) }, event: { _ in })
  }

  private func left() throws -> [String: Data] {
    var left: [String: Data] = [:]
    for name in try folder.names() where name != "corpus" { left[name] = try folder.data(name) }
    return left
  }

  private static func explode(_ c: inout TrainingConfiguration) {
    (c.learningRate, c.warmup, c.gradientClip, c.schedule) = (1e30, 0, 0, .constant)
  }

  @Test func whatComesToNothingTakesNothingAway() throws {
    try run(change: { $0.average = 2 })
    let before = try left()
    #expect(before.count == 5, "\(before.keys)")  // two of them the weights that were averaged
    for base in [nil, files.checkpoint] {
      #expect(try run(from: base, stops: { _ in true }) == .leftAlone)
      #expect(try left() == before)
      #expect(throws: TrainingError.notFinite(step: 2, what: "loss", leaving: .former)) {
        try run(from: base, change: Self.explode)
      }
      #expect(try left() == before)
    }
  }

  /// Another run, in place of what was there or where nothing was, leaves the same files.
  @Test func oneThatLearnsTakesItsPlace() throws {
    try run(change: { $0.average = 2 })
    let base = folder.path("base.safetensors")
    try folder.write("base.safetensors", Array(try folder.data("m.safetensors")))
    for initial in [nil, base] {
      func other() throws { #expect(try run(from: initial, change: { $0.seed = 5 }) == .finished) }
      try other()
      let replaced = try left()
      #expect(replaced["m.average.safetensors"] == nil && replaced["m.best.safetensors"] != nil)
      for path in [files.checkpoint, files.best] { try Files.remove(path) }
      try other()
      #expect(try left() == replaced)
    }
    #expect(try run(stops: { $0 == 1 }) == .stopped)
    #expect(try Checkpoint(files.checkpoint).record?.step == 1 && !Files.exists(files.best))
  }

  /// Killed at any event, whole models of one run are under the names; told again to take its place, the run does.
  @Test func isWholeWhereverTheOtherIsKilled() throws {
    struct Killed: Error {}
    try run()
    let old = try left()
    func other(killedAt last: Int = 0) throws -> [String: Data] {
      for (name, data) in old { try folder.write(name, Array(data)) }
      let trainer = try tinySetup(corpus) { ($0.seed, $0.saveEvery) = (5, 3) }.prepare().trainer
      var events = 0
      do {
        _ = try trainer.run(saveTo: files.checkpoint, bestPath: files.best, shouldStop: { false }) { _ in
          events += 1
          if events == last { throw Killed() }
        }
      } catch is Killed {}
      return try left()
    }
    let new = try other()
    for last in 1...19 {
      let found = try other(killedAt: last), checkpoint = try Checkpoint(files.checkpoint)
      #expect(last > 3 || found == old, "\(last)")
      #expect(found == old || checkpoint.record?.configuration.seed == 5, "\(last)")
      if Files.exists(files.best) {
        let best = try Checkpoint(files.best).record?.configuration.seed
        #expect(best == checkpoint.record?.configuration.seed, "\(last)")
      }
      #expect(try other() == new)
    }
  }

  @Test func whereNothingWasNothingIsLeft() throws {
    #expect(throws: TrainingError.notFinite(step: 2, what: "loss", leaving: .nothing)) {
      try run(change: Self.explode)
    }
    #expect(try left().isEmpty)
    // What was evaluated or saved stays.
    #expect(throws: TrainingError.notFinite(step: 2, what: "loss")) {
      try run(change: {
        Self.explode(&$0)
        $0.saveEvery = 1
      })
    }
    #expect(try Checkpoint(files.checkpoint).record?.step == 1)
  }
}
