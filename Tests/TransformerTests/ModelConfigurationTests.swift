import MiniGPTStorage
import MiniGPTTestSupport
import MiniGPTTransformer
import Testing

/// Loops over the tables of both shapes.
@Suite struct ModelConfigurationTests {
  private func check<Configuration: ModelConfiguration>(_ base: Configuration, _ json: String) throws {
    #expect(try problems(of: base) == [])
    #expect(Configuration.fields.filter { !$0.isFixed }.map(\.name) == [])
    let names = Configuration.fields.flatMap(\.names)
    #expect(Set(names).count == names.count)
    // The block is one property with rows of its own, and so is the scaling in it.
    let properties = ([base, base.block, base.block.rotaryScaling] as [Any]).reduce(-2) {
      $0 + Mirror(reflecting: $1).children.count
    }
    #expect(Configuration.fields.count == properties)
    #expect(String(decoding: try JSONWriter.write(base.json), as: UTF8.self) == json)
    let back = try Configuration(JSONField(parsing: Array(json.utf8).rawBytes, source: "m"))
    #expect(back == base)
    let wrong = json.replacing("\"heads\":3", with: "\"heads\":5")
    let error = #expect(throws: JSONError.self) {
      _ = try Configuration(JSONField(parsing: Array(wrong.utf8).rawBytes, source: "m"))
    }
    #expect(
      error.map { "\($0)" }
        == "m: expected a possible shape, found impossible size: 5 heads do not divide the width 12 evenly")
  }

  /// As the first program wrote them.
  @Test func everyRowOfAGPTKeepsItsPromises() throws {
    try check(
      GPTConfiguration(vocabularySize: 65, context: 32, layers: 2, heads: 3, width: 12),
      #"{"vocab_size":65,"context":32,"layers":2,"heads":3,"embd":12,"ffn":48,"positions":"learned","norm":"pre","#
        + #""activation":"gelu"}"#)
  }

  @Test func everyRowOfATranslatorKeepsItsPromises() throws {
    try check(
      TranslatorConfiguration(
        vocabularySize: 65, context: 32, encoderLayers: 2, decoderLayers: 4, heads: 3, width: 12, feedForwardWidth: 20),
      #"{"vocab_size":65,"context":32,"encoder_layers":2,"decoder_layers":4,"heads":3,"embd":12,"ffn":20,"#
        + #""positions":"sinusoidal","norm":"post","activation":"relu"}"#)
  }
}
