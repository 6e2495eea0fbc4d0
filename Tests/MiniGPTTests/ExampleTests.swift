import Foundation
import MiniGPT
import Testing

/// The program of `Examples/`, built with the tests and run as its README says, and the library as a stranger sees it.
@Suite struct ExampleTests {
  static func folder() throws -> URL {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("minigpt-" + UUID().uuidString)
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    return url
  }

  static let corpus = String(repeating: "the sea is deep and the night is long\n", count: 60)

  @Test func learnsAndSpeaks() throws {
    let folder = try Self.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let text = folder.appendingPathComponent("text.txt"), model = folder.appendingPathComponent("model.safetensors")
    try Data(Self.corpus.utf8).write(to: text)
    let process = Process(), output = Pipe()
    process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
      .appendingPathComponent("minigpt-example")
    process.arguments = [text.path, model.path]
    process.standardOutput = output
    try process.run()
    let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    #expect(said.contains("step 200: loss"))
    #expect(said.contains("night is long") || said.contains("sea is deep"))
  }

  @Test func theSameSeedSaysTheSame() throws {
    let folder = try Self.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let text = folder.appendingPathComponent("text.txt"), file = folder.appendingPathComponent("model.safetensors").path
    try Data(Self.corpus.utf8).write(to: text)
    var configuration = TrainingConfiguration()
    configuration.steps = 5
    let setup = TrainingSetup(
      try TextCorpus([text.path]), tokenizer: .bytes,
      shape: GPTConfiguration(vocabularySize: 0, context: 16, layers: 1, heads: 2, width: 16),
      configuration: configuration)
    try setup.train(to: file) { _, _ in true }
    var sampling = SamplingConfiguration()
    sampling.seed = 7
    let one = try LanguageModel(file, threads: 1).generate("the", tokens: 40, sampling: sampling)
    let two = try LanguageModel(file, threads: 2).generate("the", tokens: 40, sampling: sampling)
    #expect(one == two)
    #expect(!one.isEmpty)
  }

  /// The library names the files of a run as the command line does, whatever the name's ending.
  @Test func namesFilesAsTheCommandLineDoes() throws {
    let folder = try Self.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let text = folder.appendingPathComponent("text.txt")
    try Data(Self.corpus.utf8).write(to: text)
    var configuration = TrainingConfiguration()
    configuration.steps = 1
    let setup = TrainingSetup(
      try TextCorpus([text.path]), tokenizer: .bytes,
      shape: GPTConfiguration(vocabularySize: 0, context: 8, layers: 1, heads: 1, width: 8),
      configuration: configuration)
    try setup.train(to: folder.appendingPathComponent("m.bin").path)
    #expect(FileManager.default.fileExists(atPath: folder.appendingPathComponent("m.bin.best.safetensors").path))
  }
}
