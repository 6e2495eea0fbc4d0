import MiniGPTCheckpoints
import MiniGPTDatasets
import MiniGPTStorage
import MiniGPTTensors
import MiniGPTTestSupport
import Testing
import MiniGPTTokenization
import MiniGPTTraining
import MiniGPTTransformer

@Suite struct TrainingSetupTests {
  let folder: Folder

  init() throws { folder = try Folder() }

  private func setup(
    _ text: String, change: (inout TrainingSetup) throws -> Void = { _ in }
  ) throws -> TrainingSetup {
    var setup = try tinySetup(folder.write("corpus", text))
    try change(&setup)
    return setup
  }

  /// The first nine tenths train, the rest is held out; characters come from both.
  @Test func holdsTheEndOut() throws {
    let prepared = try setup(String(repeating: "abcdefgh", count: 80) + String(repeating: "z", count: 71)).prepare()
    #expect(prepared.encoded.training.count == 639)
    #expect(prepared.encoded.validation.count == 72)
    #expect(prepared.encoded.validationBytes == 72)
    #expect(prepared.trainer.tokenizer.vocabularySize == 10)
    #expect(prepared.trainer.model.configuration.vocabularySize == 10)
  }

  @Test func neverSplitsACharacter() throws {
    for count in 100..<104 {
      let prepared = try setup(String(repeating: "x", count: count) + String(repeating: "漢😀", count: 60)).prepare()
      #expect(prepared.encoded.training.count + prepared.encoded.validation.count == count + 120)
      #expect(prepared.encoded.validationBytes % 7 == 0 || prepared.encoded.validationBytes % 7 == 4)
    }
  }

  @Test func takesAValidationFileAsItIs() throws {
    let held = try folder.write("held", "zebra zebra")
    let prepared = try setup(verses(20)) { $0.validation = try TextCorpus([held]) }.prepare()
    #expect(prepared.encoded.training.count == verses(20).utf8.count)
    #expect(prepared.encoded.validation.count == 11)
    #expect(prepared.trainer.record.validationFingerprint == (try TextCorpus([held]).fingerprint))
    // Its characters are in the vocabulary.
    #expect(try prepared.trainer.tokenizer.encode("z").count == 1)
  }

  /// As many steps as read that many tokens: 639 tokens, 120 in a step.
  @Test func countsStepsByPasses() throws {
    for (epochs, steps) in [(1.0, 6), (2, 11), (0.001, 1), (0.19, 2)] {
      let prepared = try setup(String(repeating: "abcdefgh", count: 80) + String(repeating: "z", count: 71)) {
        $0.epochs = epochs
        $0.configuration.warmup = 3
      }.prepare()
      #expect(prepared.trainer.record.configuration.steps == steps && prepared.encoded.training.count == 639)
      #expect(prepared.trainer.record.configuration.warmup == 3)
    }
    let short = try setup(verses(40)) {
      $0.epochs = 3
      $0.shortensWarmup = true
      $0.configuration.warmup = 1000
    }.prepare().trainer.record.configuration
    #expect(short.warmup == short.steps / 10 && short.warmup > 0)
    let endless = try setup(verses(40)) { $0.epochs = 1e300 }
    #expect(throws: TrainingConfigurationError.self) { _ = try endless.prepare() }
  }

  @Test func learnsWithoutAnythingHeldOut() throws {
    let prepared = try setup(verses(20)) { $0.configuration.validationFraction = 0 }.prepare()
    #expect(prepared.encoded.validation.count == 0)
    let outcome = try prepared.trainer.run(
      saveTo: folder.path("m"), bestPath: folder.path("best"), shouldStop: { false }, event: { _ in })
    #expect(outcome == .finished)
    #expect(prepared.trainer.record.evaluations.isEmpty)
    #expect(throws: (any Error).self) { _ = try folder.data("best") }
  }

  @Test func takesTheTokenizerThatIsAsked() throws {
    #expect(try setup(verses(40)) { $0.tokenizer = .bytes }.prepare().trainer.tokenizer.kind == .byte)
    let pairs = try setup(verses(40)) { $0.tokenizer = .bytePairs(vocabularySize: 270, splitter: .gpt2) }.prepare()
    #expect(pairs.trainer.tokenizer.kind == .bpe)
    #expect(pairs.trainer.tokenizer.vocabularySize == 270)
    #expect(pairs.encoded.training.count < verses(40).utf8.count * 9 / 10)
    let given = try CharacterTokenizer(Array("the quick brown fox jumps over the lazy dog\n".utf8))
    let prepared = try setup(verses(40)) { $0.tokenizer = .given(given) }.prepare()
    #expect(prepared.trainer.tokenizer.vocabularySize == given.vocabularySize)
  }

  @Test func aGivenTokenizerNamesWhatItLacks() throws {
    let given = try CharacterTokenizer(Array("abc".utf8))
    let setup = try setup("abcabcé" + verses(40)) { $0.tokenizer = .given(given) }
    let error = #expect(throws: DatasetError.self) { _ = try setup.prepare() }
    let path = folder.path("corpus")
    #expect(error?.description == "\(path): 'é' (U+00E9) at byte 6 never occurred in the training text")
  }

  @Test func refusesACorpusShorterThanItsContext() throws {
    // 22 bytes leave 19 tokens, 24 leave 21: a context of 20, and the target of its last.
    let setup22 = try setup(String(repeating: "ab", count: 11))
    let error = #expect(throws: DatasetError.self) { _ = try setup22.prepare() }
    let path = folder.path("corpus")
    #expect(error == .tooShort(what: "\(path)", tokens: 19, context: 20))
    #expect(
      error?.description
        == "\(path): too short: 19 tokens to learn from, but a context of 20 needs at least 21")
    #expect(try setup(String(repeating: "ab", count: 12)).prepare().encoded.training.count == 21)
    let one = try setup("a")
    #expect(throws: DatasetError.self) { _ = try one.prepare() }
  }

  @Test func refusesWhatIsImpossible() throws {
    let cases: [((inout TrainingSetup) -> Void, String)] = [
      ({ $0.shape.heads = 5 }, "5 heads do not divide the width 24"),
      ({ $0.shape.layers = 1_000_000_000_000 }, "layers"),
      ({ $0.shape.layers = 0 }, "layers"), ({ $0.shape.context = Int.max }, "context"),
      ({ $0.shape.width = Int.max }, "embd"), ({ $0.shape.feedForwardWidth = -1 }, "ffn"),
      ({ $0.configuration.batchSize = 0 }, "batch-size"), ({ $0.configuration.dropout = 1 }, "dropout"),
      ({ $0.configuration.learningRate = .nan }, "lr"), ({ $0.configuration.validationFraction = 1 }, "val-fraction"),
      ({ $0.configuration.beta2 = 1 }, "beta2"), ({ $0.configuration.steps = -1 }, "steps"),
    ]
    for (change, word) in cases {
      var setup = try setup(verses(40))
      change(&setup)
      let message: String
      do {
        _ = try setup.prepare()
        message = "nothing"
      } catch { message = "\(error)" }
      #expect(message.contains(word) && message.contains("impossible"))
    }
  }

  @Test func refusesMoreMemoryThanThereIs() throws {
    var setup = try setup(verses(40)) { $0.availableMemory = 1 << 20 }
    #expect(throws: Never.self) { _ = try setup.prepare() }
    setup.configuration.batchSize = 1 << 20
    let shape = setup.shape, configuration = setup.configuration
    let error = #expect(throws: TrainingError.self) { _ = try setup.prepare() }
    guard case .tooLarge(let needed, let available) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(available == 1 << 20)
    // It is known before the corpus is read.
    var isRead = false
    setup.tokenizer = .bytePairs(vocabularySize: 300, splitter: .gpt2)
    #expect(throws: TrainingError.self) { _ = try setup.prepare { _ in isRead = true } }
    #expect(!isRead)
    #expect(needed > available)
    #expect(
      needed
        >= TextTrainer.memoryNeeded(
          shape, TextCorpus.leastCapacity(shape, configuration), configuration))
    #expect(error?.description.contains("training needs") == true)
  }

  /// The largest sizes that are allowed overflow nothing.
  @Test func countsAbsurdMemory() {
    var configuration = TrainingConfiguration()
    configuration.batchSize = 1 << 20
    let shape = GPTConfiguration(
      vocabularySize: 1 << 24, context: 1 << 20, layers: 1 << 10, heads: 1, width: 1 << 16, feedForwardWidth: 1 << 18)
    #expect(
      TextTrainer.memoryNeeded(
        shape, TextCorpus.leastCapacity(shape, configuration), configuration) >= 1 << 46)
  }

  /// What the formula says is what is taken, but for scratch memory.
  @Test func countsWhatIsTaken() throws {
    let setup = try setup(verses(40)), trainer = try setup.prepare().trainer
    let needed = trainer.memoryNeeded(recomputes: false)
    let taken = trainer.memory.byteCount
    #expect(taken >= needed && taken - needed < 16 << 20)
  }
}
