import Foundation
import MiniGPTCheckpoints
import MiniGPTStorage
import MiniGPTTestSupport
import MiniGPTTransformer
import Testing

/// Every field's flag, typed and in a configuration file: what is typed is in the checkpoint, and is said again.
@Suite struct FieldFlagTests {
  private static let model = GPTConfiguration(
    vocabularySize: 300, context: 8, layers: 1, heads: 2, width: 16, feedForwardWidth: 20, positions: .sinusoidal,
    norm: .post, activation: .relu)

  /// All values differ from the defaults.
  private func training(_ others: FieldTraits) throws -> TrainingConfiguration {
    var result = try TrainingConfiguration.fields.filter { $0.traits.isDisjoint(with: others) }
      .reduce(TrainingConfiguration()) { try $1.changed($0) }
    (result.steps, result.precision) = (2, .fp32)
    return result
  }

  /// Flags and their values, as they are typed.
  private func words<Configuration: Configurable>(_ configuration: Configuration) -> [(name: String, value: String?)] {
    Configuration.fields.filter { $0.flag != nil && !$0.isEqual(configuration, Configuration()) }.flatMap { field in
      let takesValue = field.flag?.kind.placeholder != nil
      return field.show(configuration).map { (field.name, takesValue ? String(decoding: $0, as: UTF8.self) : nil) }
    }
  }

  private func object(_ json: JSON) throws -> NSDictionary {
    try #require(try JSONSerialization.jsonObject(with: Data(JSONWriter.write(json))) as? NSDictionary)
  }

  private func check(_ inputs: [String], _ training: TrainingConfiguration, _ kind: String) throws {
    let scratch = try Scratch()
    try scratch.write("text", (0..<40).map { "\($0) green bottles, hanging on the wall;\n" }.joined())
    try scratch.write("pairs", (0..<40).map { "\($0) bottles\t\($0) botellas\n" }.joined())
    let given = words(Self.model) + words(training) + [(name: "precision", value: "fp32")]
    let typed = given.flatMap { ["--" + $0.name] + ($0.value.map { [$0] } ?? []) }
    let vocabulary = ["--vocab-size", "300", "--quiet"]
    let run = try Run(["train"] + inputs + vocabulary + typed + ["--out", "a.safetensors"], folder: scratch.folder)
    #expect(run.status == 0, "\(run.errorText)")
    let told = try Run(["info", "a.safetensors", "--json"], folder: scratch.folder)
    let info = try #require(try JSONSerialization.jsonObject(with: Data(told.output)) as? NSDictionary)
    #expect(info["kind"] as? String == kind)
    #expect(try (info["training"] as? NSDictionary)?["configuration"] as? NSDictionary == object(training.json))
    let shape = try #require(info["configuration"] as? NSDictionary)
    for (key, value) in try object(Self.model.json) where !["layers", "vocab_size"].contains(key as? String) {
      #expect(shape[key] as? NSObject == value as? NSObject, "\(key)")
    }
    let again = try Run(["info", "a.safetensors", "--command"], folder: scratch.folder).outputText
    for (name, value) in given {
      #expect((again + " ").contains("--\(name)" + (value.map { " " + $0 } ?? "")), "\(name)")
    }
    // The same from a file, with the names as JSON has them.
    let file = given.map { name, value in
      "\"\(name.replacing("-", with: "_"))\": " + (value.map { Double($0) == nil ? "\"\($0)\"" : $0 } ?? "true")
    }
    try scratch.write("flags.json", "{" + file.joined(separator: ", ") + "}")
    let filed = ["--config", "flags.json", "--out", "b.safetensors"]
    #expect(try Run(["train"] + inputs + vocabulary + filed, folder: scratch.folder).status == 0)
    #expect(try scratch.read("a.safetensors") == scratch.read("b.safetensors"))
  }

  @Test func thoseOfTexts() throws { try check(["text"], training(.pairs), "gpt") }

  @Test func thoseOfPairs() throws { try check(["--pairs", "pairs"], training(.texts), "translator") }
}
