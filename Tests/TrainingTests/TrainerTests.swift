import MiniGPTCheckpoints
import Foundation
import MiniGPTStorage
import MiniGPTTensors
import MiniGPTTestSupport
import Testing
import MiniGPTTraining
import MiniGPTTransformer

@Suite(.serialized) struct TrainerTests {
  /// Trains to the end, stopping and resuming behind the steps in `stops`; gives the files that are left.
  func run(
    _ folder: Folder, _ name: String, threads: Int, stops: [Int] = [], set: InstructionSet = .best,
    of shape: GPTConfiguration = tinyShape, change: (inout TrainingConfiguration) -> Void = { _ in }
  ) throws -> (latest: Data, best: Data, losses: [Double]) {
    let corpus = try folder.write("corpus.txt", verses(60))
    let path = folder.path(name + ".safetensors"), best = folder.path(name + ".best.safetensors")
    var losses: [Double] = [], stops = stops, isFirst = true
    while true {
      let setup = try tinySetup(corpus, threads: threads, set: set, of: shape, change: change)
      let trainer = try setup.prepare().trainer
      if !isFirst { try trainer.resume(try Checkpoint(path)) }
      isFirst = false
      let stop = stops.isEmpty ? Int.max : stops.removeFirst()
      let outcome = try trainer.run(saveTo: path, bestPath: best, shouldStop: { trainer.record.step >= stop }) {
        if case .stepped(let step) = $0 { losses.append(step.loss) }
      }
      if outcome == .finished { break }
    }
    return (try folder.data(name + ".safetensors"), try folder.data(name + ".best.safetensors"), losses)
  }

  @Test(arguments: InstructionSet.available) func sameBitsForAnyThreads(set: InstructionSet) throws {
    let folder = try Folder()
    let one = try run(folder, "one", threads: 1, set: set)
    #expect(one.losses.count == 12)
    for threads in 2...3 {
      let other = try run(folder, "other", threads: threads, set: set)
      #expect(other.latest == one.latest)
      #expect(other.best == one.best)
      #expect(other.losses == one.losses)
    }
  }

  @Test(arguments: [[1], [4], [5, 6, 8], [11]]) func sameBitsAfterStops(stops: [Int]) throws {
    let folder = try Folder()
    let straight = try run(folder, "straight", threads: 2)
    let stopped = try run(folder, "stopped", threads: 1, stops: stops)
    #expect(stopped.latest == straight.latest)
    #expect(stopped.best == straight.best)
    #expect(stopped.losses == straight.losses)
  }

  @Test(arguments: [[1], [5, 6, 8]]) func sameBitsOfBlocksAfterStops(stops: [Int]) throws {
    let folder = try Folder()
    let straight = try run(folder, "straight", threads: 2, change: { $0.order = .blocks })
    let stopped = try run(folder, "stopped", threads: 1, stops: stops, change: { $0.order = .blocks })
    #expect(stopped.latest == straight.latest && stopped.best == straight.best)
    #expect(stopped.losses == straight.losses)
    #expect(try run(folder, "windows", threads: 2).losses != straight.losses)
  }

  /// Qwen3's shape and Muon, in both precisions: any number of threads, and one run that stops and goes on with another.
  @Test(arguments: InstructionSet.available, Precision.allCases)
  func sameBitsOfTodaysShape(set: InstructionSet, precision: Precision) throws {
    let variant = try #require(BlockVariant.all.last), folder = try Folder()
    let shape = variant.text(vocabularySize: 0, context: 20, layers: 2)
    #expect(shape.normalizesQueriesAndKeys && !shape.isTied)
    func change(_ configuration: inout TrainingConfiguration) {
      (configuration.precision, configuration.optimizer, configuration.schedule) = (precision, .muon, .plateau)
      (configuration.isCautious, configuration.decaySchedule, configuration.muonMomentumWarmup) = (true, .rate, 7)
    }
    let one = try run(folder, "one", threads: 1, set: set, of: shape, change: change)
    for (threads, stops) in [(2, []), (3, []), (2, [5, 6, 8])] {
      let other = try run(folder, "other", threads: threads, stops: stops, set: set, of: shape, change: change)
      #expect(other.latest == one.latest, "\(threads) threads, stops \(stops)")
      #expect(other.best == one.best, "\(threads) threads, stops \(stops)")
      #expect(other.losses == one.losses, "\(threads) threads, stops \(stops)")
    }
  }

  /// A run that learns on its way how many updates there is time for is the same as one that knew, as long as its rate did
  /// not fall; later the record says what was changed.
  @Test func sameBitsWhereStepsChange() throws {
    let folder = try Folder(), corpus = try folder.write("corpus.txt", verses(60))
    func run(_ name: String, steps: Int, pace: @escaping (Int) -> Int?) throws -> (Data, TrainingRecord) {
      let path = folder.path(name + ".safetensors")
      let trainer = try tinySetup(corpus) {
        ($0.steps, $0.schedule, $0.cooldown, $0.decaySchedule) = (steps, .plateau, 0.5, .rate)
      }.prepare().trainer
      trainer.pace = { record, _ in pace(record.step) ?? record.configuration.steps }
      _ = try trainer.run(saveTo: path, bestPath: folder.path(name + ".best"), shouldStop: { false }) { _ in }
      return (try folder.data(name + ".safetensors"), trainer.record)
    }
    let known = try run("known", steps: 10) { _ in nil }
    for (steps, place) in [(20, 3), (6, 2), (6, 3)] {
      let learned = try run("learned", steps: steps) { $0 == place ? 10 : nil }
      #expect(learned.0 == known.0 && learned.1.step == 10 && learned.1.extensions.isEmpty, "\(steps), \(place)")
    }
    let late = try run("late", steps: 20) { $0 == 14 ? 16 : nil }
    #expect(late.1.step == 16 && late.1.configuration.steps == 16 && late.1.extensions == [14, 20])
    // Its end was to be later, but where it should have begun to fall is over.
    let early = try run("early", steps: 20) { $0 == 9 ? 12 : nil }
    #expect(early.1.step == 12 && early.1.extensions == [9, 20])
    let over = try run("over", steps: 20) { $0 == 9 ? 1 : nil }
    #expect(over.1.step == 10)
  }

  /// Asked to stop at any time, in the middle of an evaluation too, a run ends in the same files when it is resumed.
  @Test func sameBitsWhereverItIsStopped() throws {
    let folder = try Folder(), corpus = try folder.write("corpus.txt", verses(60))
    let path = folder.path("m.safetensors"), best = folder.path("b.safetensors")
    /// The files, and how often each step was asked whether to stop.
    func run(stoppingAt stop: Int) throws -> (files: [Data], asked: [Int: Int]) {
      for file in [path, best] where Files.exists(file) { try Files.remove(file) }
      var asked: [Int: Int] = [:], all = 0, isFirst = true
      while true {
        let trainer = try tinySetup(corpus).prepare().trainer
        if !isFirst { try trainer.resume(try Checkpoint(path)) }
        isFirst = false
        let outcome = try trainer.run(
          saveTo: path, bestPath: best,
          shouldStop: {
            all += 1
            asked[trainer.record.step, default: 0] += 1
            return all == stop
          }, event: { _ in })
        if outcome == .finished {
          return (try [path, best].map { try folder.data(String(decoding: $0.name, as: UTF8.self)) }, asked)
        }
      }
    }
    let (straight, asked) = try run(stoppingAt: 0)
    #expect((asked[4] ?? 0) > (asked[3] ?? 0), "an evaluation hears of a stop")
    for stop in 1...asked.values.reduce(0, +) { #expect(try run(stoppingAt: stop).files == straight, "\(stop)") }
  }

  @Test func learns() throws {
    let folder = try Folder(), corpus = try folder.write("corpus.txt", verses(200))
    let trainer = try tinySetup(corpus, threads: 2) {
      $0.steps = 60
      $0.learningRate = 5e-3
      $0.dropout = 0
    }.prepare().trainer
    var losses: [Double] = []
    for _ in 0..<60 { losses.append(try trainer.step()?.loss ?? .nan) }
    #expect(losses[0] > 2.5)
    #expect(losses[59] < losses[0] - 0.8)
  }

  @Test func stopsBeforeWhatIsNotFinite() throws {
    let folder = try Folder(), corpus = try folder.write("corpus.txt", verses(60))
    let trainer = try tinySetup(corpus) {
      $0.learningRate = 1e30
      $0.warmup = 0
      $0.gradientClip = 0
    }.prepare().trainer
    #expect(throws: TrainingError.self) { for _ in 0..<12 { _ = try trainer.step() } }
  }
}
