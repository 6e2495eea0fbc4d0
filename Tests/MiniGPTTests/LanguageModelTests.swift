import Foundation
import MiniGPT
import Testing

/// A stranger's view: only what the library shows.
@Suite struct LanguageModelTests {
  /// A model after five steps, in a file that is gone afterwards.
  static func withModel(_ body: (String) async throws -> Void) async throws {
    let folder = try ExampleTests.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let text = folder.appendingPathComponent("text.txt"), file = folder.appendingPathComponent("model.safetensors").path
    try Data(ExampleTests.corpus.utf8).write(to: text)
    var configuration = TrainingConfiguration()
    configuration.steps = 5
    let setup = TrainingSetup(
      try TextCorpus([text.path]), tokenizer: .bytes,
      shape: GPTConfiguration(vocabularySize: 0, context: 16, layers: 1, heads: 2, width: 16),
      configuration: configuration)
    try setup.train(to: file) { _, _ in true }
    try await body(file)
  }

  static func sampling(_ seed: UInt64) -> SamplingConfiguration {
    var sampling = SamplingConfiguration()
    sampling.seed = seed
    return sampling
  }

  @Test func streamsSayWhatGenerateSays() async throws {
    try await Self.withModel { file in
      let model = try LanguageModel(file, threads: 2)
      let expected = try (1...3).map { try model.generate("the", tokens: 40, sampling: Self.sampling(UInt64($0))) }
      // Three at once on one map, read in turn.
      let streams = try (1...3).map { try model.stream("the", tokens: 40, sampling: Self.sampling(UInt64($0))) }
      for (stream, text) in zip(streams, expected) {
        var all = ""
        for await piece in stream { all += piece }
        #expect(all == text)
      }
    }
  }

  /// Tasks that run at the same time share a model, and each hears what it would hear alone.
  @Test func tasksShareAModel() async throws {
    try await Self.withModel { file in
      let model = try LanguageModel(file, threads: 1)
      let expected = try (1...4).map { try model.generate("the", tokens: 40, sampling: Self.sampling(UInt64($0))) }
      let found = try await withThrowingTaskGroup(of: (Int, String).self) { group in
        for index in 0..<4 {
          group.addTask {
            let sampling = Self.sampling(UInt64(index + 1))
            if index % 2 == 0 { return (index, try model.generate("the", tokens: 40, sampling: sampling)) }
            let stream = try model.stream("the", tokens: 40, sampling: sampling)
            return (index, await stream.reduce(into: "") { $0 += $1 })
          }
        }
        return try await group.reduce(into: [Int: String]()) { $0[$1.0] = $1.1 }
      }
      #expect((0..<4).map { found[$0] } == expected)
    }
  }

  @Test func aStreamEndsWhenItsTaskIsCancelled() async throws {
    try await Self.withModel { file in
      let model = try LanguageModel(file, threads: 1)
      let stream = try model.stream("the", tokens: 1_000_000_000)
      let task = Task {
        var count = 0
        for await _ in stream { count += 1 }
        return count
      }
      try await Task.sleep(for: .milliseconds(50))
      task.cancel()
      #expect(await task.value < 1_000_000)
    }
  }

  @Test func shorterWeightsSpeakToo() async throws {
    try await Self.withModel { file in
      for weights in NumberFormat.allCases {
        let text = try LanguageModel(file, weights: weights).generate("the", tokens: 20, sampling: Self.sampling(3))
        #expect(!text.isEmpty, "\(weights)")
      }
    }
  }
}
