import MiniGPTAllocationCounter
import MiniGPTCheckpoints
import MiniGPTDatasets
import MiniGPTParallel
import Foundation
import MiniGPTPlatform
import MiniGPTStorage
import MiniGPTTensors
import MiniGPTTestSupport
import Testing
import MiniGPTTokenization
import MiniGPTTraining
import MiniGPTTransformer

/// Pairs of letters and their names, of many lengths; the target is the source read backwards.
func somePairs(_ count: Int) -> String {
  let words = ["one uno", "two dos", "red rojo", "cat gato", "house casa", "very muy", "is es"].map {
    $0.split(separator: " ")
  }
  return (0..<count).map { line in
    let picked = (0..<1 + line * 7 % 6).map { words[(line * line + 3 * $0 + line) % words.count] }
    return picked.map { $0[0] }.joined(separator: " ") + "\t" + picked.reversed().map { $0[1] }.joined(separator: " ")
  }.joined(separator: "\n") + "\n"
}

/// A training so small that it ends at once.
func tinyTranslation(
  _ pairs: MiniGPTStorage.Path, threads: Int = 1, set: InstructionSet = .best, norm: NormPlacement = .post,
  change: (inout TrainingConfiguration) -> Void = { _ in }
) throws -> TranslationSetup {
  var configuration = TrainingConfiguration()
  configuration.steps = 12
  configuration.batchTokens = 60
  configuration.gradientAccumulation = 2
  configuration.learningRate = 3e-3
  configuration.warmup = 3
  configuration.schedule = .inverseSquareRoot
  configuration.beta2 = 0.98
  configuration.dropout = 0.2
  configuration.labelSmoothing = 0.1
  configuration.validationFraction = 0.2
  configuration.evaluateEvery = 4
  configuration.saveEvery = 3
  configuration.average = 2
  change(&configuration)
  let shape = TranslatorConfiguration(
    vocabularySize: 0, context: 40, encoderLayers: 2, decoderLayers: 2, heads: 2, width: 24, feedForwardWidth: 40,
    norm: norm)
  return TranslationSetup(
    try SentencePairs([pairs]), tokenizer: .bytePairs(vocabularySize: 280, splitter: .gpt2), shape: shape,
    configuration: configuration, threads: threads, instructionSet: set)
}

@Suite(.serialized) struct TranslationTests {
  struct Killed: Error {}

  /// Trains to the end, stopping behind the steps in `stops` and resuming; gives the files that are left, by name.
  func run(
    _ folder: Folder, threads: Int = 1, stops: [Int] = [], set: InstructionSet = .best, norm: NormPlacement = .post,
    isFirst: Bool = true, event: (TrainingEvent) throws -> Void = { _ in }
  ) throws -> [String: Data] {
    let pairs = try folder.write("pairs", somePairs(80))
    let path = folder.path("m.safetensors"), best = folder.path("m.best.safetensors")
    var stops = stops, isFirst = isFirst
    while true {
      let trainer = try tinyTranslation(pairs, threads: threads, set: set, norm: norm).prepare().trainer
      if !isFirst { try trainer.resume(try TranslatorCheckpoint(path)) }
      isFirst = false
      let stop = stops.isEmpty ? Int.max : stops.removeFirst()
      let outcome = try trainer.run(
        saveTo: path, bestPath: best, shouldStop: { trainer.record.step >= stop }, event: event)
      if outcome == .finished { break }
    }
    return try files(folder)
  }

  private func files(_ folder: Folder) throws -> [String: Data] {
    var found: [String: Data] = [:]
    for file in try Files.list(folder.path("pairs").folder) where file.hasSuffix(".safetensors") {
      let name = String(decoding: file.name, as: UTF8.self)
      found[name] = try folder.data(name)
    }
    return found
  }

  @Test(arguments: NormPlacement.allCases) func sameBitsForAnyThreads(norm: NormPlacement) throws {
    let one = try run(try Folder(), norm: norm)
    #expect(
      one.keys.sorted() == [
        "m.average.safetensors", "m.best.safetensors", "m.safetensors", "m.step-12.safetensors", "m.step-9.safetensors",
      ])
    for threads in 2...3 { #expect(try run(try Folder(), threads: threads, norm: norm) == one, "\(threads) threads") }
  }

  @Test(arguments: [[1], [3], [4], [5, 6, 8], [11]]) func sameBitsAfterStops(stops: [Int]) throws {
    #expect(try run(try Folder(), threads: 2, stops: stops) == run(try Folder()))
  }

  /// A run killed at any event ends in the same files, and never loses weights that it still needs.
  @Test func endsInTheSameFilesWhereverItIsKilled() throws {
    var events = 0
    let expected = try run(try Folder()) { _ in events += 1 }
    #expect(events == 12 + 3 + 5 + 1)
    for last in 1...events {
      let folder = try Folder()
      var count = 0
      #expect(throws: Killed.self) {
        _ = try run(folder) { _ in
          count += 1
          if count == last { throw Killed() }
        }
      }
      #expect(try run(folder, isFirst: false) == expected, "killed at event \(last)")
    }
  }

  /// Another run's weights are left alone, whatever their step.
  @Test func onlyItsOwnWeightsAreRemoved() throws {
    let folder = try Folder()
    _ = try folder.write("m.step-1.safetensors", "another's")
    _ = try folder.write("n.step-3.safetensors", "another's")
    let files = try run(folder)
    #expect(files["m.step-1.safetensors"] == Data("another's".utf8))
    #expect(files["n.step-3.safetensors"] == Data("another's".utf8))
    #expect(files["m.step-3.safetensors"] == nil && files["m.step-6.safetensors"] == nil)
  }

  /// What a kill between a save and the removal of the oldest leaves, and one in the middle of a save.
  @Test func aResumedRunClearsUp() throws {
    let folder = try Folder()
    #expect(throws: Killed.self) {
      _ = try run(folder) { if case .stepped(let step) = $0, step.step == 8 { throw Killed() } }
    }
    try folder.write("m.step-9.safetensors", "half")
    _ = try folder.write("m.step-1.safetensors", "another's")
    try folder.write(".m.step-6.safetensors.0123456789abcdef.tmp", "half")
    let files = try run(folder, isFirst: false)
    #expect(
      files.keys.sorted() == [
        "m.average.safetensors", "m.best.safetensors", "m.safetensors", "m.step-1.safetensors",
        "m.step-12.safetensors", "m.step-9.safetensors",
      ])
    #expect(try folder.names().allSatisfy { !$0.hasSuffix(".tmp") })
  }

  @Test func theAverageIsTheMeanOfTheLast() throws {
    let folder = try Folder()
    var averaged: [Int] = []
    _ = try run(folder) { if case .averaged(let steps, _, _, _) = $0 { averaged = steps } }
    #expect(averaged == [9, 12])
    func weights(_ name: String) throws -> [Float] {
      let checkpoint = try TranslatorCheckpoint(folder.path(name)),
        layout = EncoderDecoder(checkpoint.configuration).layout
      #expect(checkpoint.hasOptimizerState == (name == "m.safetensors"))
      let memory = Memory(MemoryPlan(), try checkpoint.parameters(), on: .plain())
      return layout.parameters.flatMap { memory.read($0.slot) }
    }
    let mean = zip(try weights("m.step-9.safetensors"), try weights("m.step-12.safetensors")).map { ($0 + $1) / 2 }
    #expect(try weights("m.average.safetensors") == mean)
    #expect(try weights("m.safetensors") == weights("m.step-12.safetensors"))
    #expect(try TranslatorCheckpoint(folder.path("m.average.safetensors")).record?.step == 12)
  }

  @Test func aTranslatorIsNoLanguageModel() throws {
    let folder = try Folder(), path = folder.path("m.safetensors")
    _ = try run(folder)
    #expect { _ = try Checkpoint(path) } throws: { error in
      "\(error)" == "\(path): a checkpoint of kind 'translator', expected 'gpt'"
    }
    let checkpoint = try TranslatorCheckpoint(path)
    #expect(checkpoint.configuration.encoderLayers == 2 && checkpoint.configuration.vocabularySize == 280)
    #expect(checkpoint.record?.configuration.labelSmoothing == 0.1)
    #expect(checkpoint.record?.kept == [6, 9, 12])
    #expect(try checkpoint.tokenizer().id(of: "<pad>") == 279)
  }

  @Test func whatDiffersIsNamed() throws {
    let folder = try Folder(), path = folder.path("m.safetensors")
    _ = try run(folder)
    func error(
      _ change: (inout TrainingConfiguration) -> Void, _ shape: (inout TranslatorConfiguration) -> Void = { _ in }
    )
      -> String
    {
      do {
        var setup = try tinyTranslation(folder.path("pairs"), change: change)
        shape(&setup.shape)
        try setup.prepare().trainer.resume(try TranslatorCheckpoint(path))
        return "none"
      } catch { return "\(error)" }
    }
    #expect(error { $0.steps = 20 } == "none")
    #expect(error { $0.batchTokens = 61 }.hasSuffix("its batch-tokens is 60, but 61 is given"))
    #expect(error { $0.labelSmoothing = 0 }.hasSuffix("its label-smoothing is 0.1, but 0.0 is given"))
    #expect(error { $0.average = 3 }.hasSuffix("its average is 2, but 3 is given"))
    #expect(error({ _ in }, { $0.decoderLayers = 1 }).hasSuffix("its decoder-layers is 2, but 1 is given"))
  }

  /// BLEU decides where it is asked for.
  @Test func bestByBLEU() throws {
    let folder = try Folder(), pairs = try folder.write("pairs", somePairs(80))
    let trainer = try tinyTranslation(pairs) { $0.bestBy = .bleu }.prepare().trainer
    var measured = [7.0, 9.0, 8.0, 1.0].makeIterator()
    trainer.bleu = { measured.next() ?? 0 }
    var best: [Bool] = []
    _ = try trainer.run(
      saveTo: folder.path("m.safetensors"), bestPath: folder.path("m.best.safetensors"), shouldStop: { false }
    ) {
      switch $0 {
      case .evaluated(_, let result, let isBest):
        #expect(result.bleu != nil)
        best.append(isBest)
      case .averaged(_, _, _, let isBest): best.append(isBest)
      default: break
      }
    }
    #expect(best == [true, true, false, false])
    let record = try #require(try TranslatorCheckpoint(folder.path("m.safetensors")).record)
    #expect(record.best?.bleu == 9 && record.best?.step == 8 && record.evaluations.map(\.bleu) == [7, 9, 8])
  }

  /// Where nothing measures BLEU it cannot decide: the loss is not taken in its place.
  @Test func bestByBLEUNeedsSomeoneToMeasureIt() throws {
    let folder = try Folder(), path = folder.path("m.safetensors")
    let pairs = try tinyTranslation(folder.write("pairs", somePairs(80))) { $0.bestBy = .bleu }.prepare().trainer
    #expect(throws: TrainingError.noBLEU) {
      try pairs.run(saveTo: path, bestPath: path, shouldStop: { false }, event: { _ in })
    }
    let text = try tinySetup(folder.write("text", verses(60))) { $0.bestBy = .bleu }.prepare().trainer
    #expect(throws: TrainingError.noBLEU) {
      try text.run(saveTo: path, bestPath: path, shouldStop: { false }, event: { _ in })
    }
    #expect(!Files.exists(path))
  }

  /// A BLEU that is stopped halfway is no evaluation: the resumed run measures it anew, and ends in the same files.
  @Test(arguments: 1...4) func aStoppedBLEUIsNotRecorded(stopped: Int) throws {
    func run(stopping stopped: Int?) throws -> [String: Data] {
      let folder = try Folder(), pairs = try folder.write("pairs", somePairs(80))
      let path = folder.path("m.safetensors"), best = folder.path("m.best.safetensors")
      var asked = 0
      while true {
        let trainer = try tinyTranslation(pairs) { $0.bestBy = .bleu }.prepare().trainer
        if asked > 0 { try trainer.resume(try TranslatorCheckpoint(path)) }
        trainer.bleu = {
          asked += 1
          return asked == stopped ? nil : Double(trainer.record.step * 7 % 10)
        }
        let outcome = try trainer.run(saveTo: path, bestPath: best, shouldStop: { false }, event: { _ in })
        if outcome == .finished { return try files(folder) }
        let record = try #require(try TranslatorCheckpoint(path).record)
        #expect(outcome == .stopped && asked == stopped && record.evaluations.count == asked - 1)
        #expect(record.evaluations.map(\.step) == Array([4, 8, 12].prefix(asked - 1)))
      }
    }
    #expect(try run(stopping: stopped) == run(stopping: nil))
  }

  @Test func learnsToReadBackwards() throws {
    let folder = try Folder(), pairs = try folder.write("pairs", somePairs(200))
    let trainer = try tinyTranslation(pairs, threads: 2, norm: .pre) {
      $0.dropout = 0
      $0.labelSmoothing = 0
      $0.steps = 150
      $0.batchTokens = 300
      $0.gradientAccumulation = 1
      $0.warmup = 20
      $0.learningRate = 8e-3
    }.prepare().trainer
    var losses: [Double] = []
    for _ in 0..<150 { losses.append(try trainer.step()?.loss ?? .nan) }
    #expect(losses[0] > 4)
    #expect(losses[149] < 0.8)
  }

  /// An update over two small batches is one over a batch of both: gradients are a mean over tokens, not over batches.
  @Test func accumulationCountsTokens() throws {
    let folder = try Folder(), pairs = try folder.write("pairs", somePairs(12))
    func step(_ tokens: Int, _ batches: Int) throws -> TrainingStep {
      let trainer = try tinyTranslation(pairs) {
        $0.dropout = 0
        $0.validationFraction = 0
        $0.batchTokens = tokens
        $0.gradientAccumulation = batches
      }.prepare()
      if batches > 1 {
        let all = PairBatches(trainer.encoded.training, tokens: tokens, seed: 1337).batches
        #expect(all.count == batches && Set(all.map(\.targetLength)).count > 1)
      }
      return try #require(try trainer.trainer.step())
    }
    let one = try step(10_000, 1),
      parts = PairBatches(
        try tinyTranslation(pairs) { $0.validationFraction = 0 }.prepare().encoded.training, tokens: 60, seed: 1337
      ).batches.count
    let many = try step(60, parts)
    #expect(parts > 1)
    #expect(abs(many.loss - one.loss) < 1e-6 * one.loss)
    #expect(abs(many.gradientNorm - one.gradientNorm) < 1e-5 * one.gradientNorm)
  }

  @Test func tokenizersOfTextsAreRefused() throws {
    let folder = try Folder(), pairs = try folder.write("pairs", somePairs(20))
    var setup = try tinyTranslation(pairs)
    setup.tokenizer = .given(ByteTokenizer())
    #expect(throws: TrainingError.notForTranslation("byte")) { _ = try setup.prepare() }
    setup.tokenizer = .characters
    #expect(throws: TrainingError.notForTranslation("char")) { _ = try setup.prepare() }
  }

  @Test func whatDoesNotFitIsRefused() throws {
    let folder = try Folder(), pairs = try folder.write("pairs", somePairs(20))
    var setup = try tinyTranslation(pairs)
    setup.availableMemory = 1 << 16
    #expect(throws: TrainingError.self) { _ = try setup.prepare() }
    setup = try tinyTranslation(pairs) { $0.validationFraction = 0 }
    setup.epochs = 2.5
    let trainer = try setup.prepare()
    let batches = PairBatches(trainer.encoded.training, tokens: 60, seed: 1337).batches.count
    #expect(trainer.trainer.record.configuration.steps == (5 * batches + 3) / 4)
    #expect(trainer.encoded.validation == nil)
  }

  /// In a process of its own, where nobody else asks for memory; epochs begin on the way.
  @Test(.enabled(if: allocations_counted() == 1, "a sanitizer owns malloc"))
  func aStepTakesNoMemoryFromTheThirdOn() async {
    await #expect(processExitsWith: .success) {
      for threads in 1...2 {
        let folder = try Folder(), pairs = try folder.write("pairs", somePairs(60))
        let trainer = try tinyTranslation(pairs, threads: threads).prepare().trainer
        for _ in 0..<2 { _ = try trainer.step() }
        let before = allocations_all()
        for _ in 0..<30 { _ = try trainer.step() }
        let taken = allocations_all() - before
        check(taken == 0, "\(taken) allocations in thirty steps on \(threads) threads")
      }
    }
  }
}
