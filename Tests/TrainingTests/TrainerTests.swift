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
    of shape: GPTConfiguration = tinyShape, _ precision: Precision = .fp32, order: DataOrder = .windows
  ) throws -> (latest: Data, best: Data, losses: [Double]) {
    let corpus = try folder.write("corpus.txt", verses(60))
    let path = folder.path(name + ".safetensors"), best = folder.path(name + ".best.safetensors")
    var losses: [Double] = [], stops = stops, isFirst = true
    while true {
      let setup = try tinySetup(corpus, threads: threads, set: set, of: shape) {
        ($0.precision, $0.order) = (precision, order)
      }
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
    let straight = try run(folder, "straight", threads: 2, order: .blocks)
    let stopped = try run(folder, "stopped", threads: 1, stops: stops, order: .blocks)
    #expect(stopped.latest == straight.latest && stopped.best == straight.best)
    #expect(stopped.losses == straight.losses)
    #expect(try run(folder, "windows", threads: 2).losses != straight.losses)
  }

  /// Qwen3's shape, in both precisions: any number of threads, and one run that stops and goes on with another.
  @Test(arguments: InstructionSet.available, Precision.allCases)
  func sameBitsOfTodaysShape(set: InstructionSet, precision: Precision) throws {
    let variant = try #require(BlockVariant.all.last), folder = try Folder()
    let shape = variant.text(vocabularySize: 0, context: 20, layers: 2)
    #expect(shape.normalizesQueriesAndKeys && !shape.isTied)
    let one = try run(folder, "one", threads: 1, set: set, of: shape, precision)
    for (threads, stops) in [(2, []), (3, []), (2, [5, 6, 8])] {
      let other = try run(folder, "other", threads: threads, stops: stops, set: set, of: shape, precision)
      #expect(other.latest == one.latest, "\(threads) threads, stops \(stops)")
      #expect(other.best == one.best, "\(threads) threads, stops \(stops)")
      #expect(other.losses == one.losses, "\(threads) threads, stops \(stops)")
    }
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
