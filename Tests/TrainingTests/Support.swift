import Checkpoints
import Datasets
import Foundation
import Parallel
import Storage
import Tensors
import Tokenization
import Training
import Transformer

/// A folder that is gone with the test.
final class Folder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent("minigpt-" + UUID().uuidString)
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func path(_ name: String) -> Storage.Path { Storage.Path(url.appendingPathComponent(name).path) }

  func write(_ name: String, _ text: String) throws -> Storage.Path {
    try Data(text.utf8).write(to: url.appendingPathComponent(name))
    return path(name)
  }

  func data(_ name: String) throws -> Data { try Data(contentsOf: url.appendingPathComponent(name)) }
}

/// A text with some order in it: the same from run to run.
func verses(_ lines: Int) -> String {
  let words = ["the", "sea", "is", "deep", "and", "wide", "who", "goes", "there", "night", "falls", "on", "hills"]
  let stream = RandomStream(seed: 11, site: 3)
  return (0..<lines).map { line in
    (0..<6).map { words[stream.integer(below: words.count, line * 6 + $0)] }.joined(separator: " ")
  }.joined(separator: "\n")
}

/// A training so small that it ends at once.
func tinySetup(
  _ corpus: Storage.Path, threads: Int = 1, set: InstructionSet = .best,
  change: (inout TrainingConfiguration) -> Void = { _ in }
) throws -> TrainingSetup {
  var configuration = TrainingConfiguration()
  configuration.steps = 12
  configuration.batchSize = 3
  configuration.gradientAccumulation = 2
  configuration.warmup = 3
  configuration.dropout = 0.2
  configuration.evaluateEvery = 4
  configuration.saveEvery = 4
  change(&configuration)
  let shape = GPTConfiguration(
    vocabularySize: 0, context: 20, layers: 2, heads: 2, width: 24, feedForwardWidth: 40)
  return TrainingSetup(
    corpus: try TextCorpus([corpus]), tokenizer: .characters, shape: shape, configuration: configuration,
    threads: threads, instructionSet: set)
}
