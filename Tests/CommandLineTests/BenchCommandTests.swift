import Foundation
import Testing

@Suite(.serialized) struct BenchCommandTests {
  @Test(arguments: ["fp32", "bf16"]) func timesATrainingStep(precision: String) throws {
    let run = try Run(
      ["bench", "--only", "training", "--preset", "tiny", "--steps", "2", "--precision", precision, "--json"])
    #expect(run.status == 0 && run.errorText == "")
    let record = try #require(try JSONSerialization.jsonObject(with: Data(run.output)) as? [String: Any])
    #expect(record["preset"] as? String == "tiny" && record["precision"] as? String == precision)
    #expect(record["steps"] as? Int == 2)
    #expect(try #require(record["ms_per_step"] as? Double) > 0)
    let parts = try #require(record["parts"] as? [String: Double])
    // Shares of the whole time: products are most of it.
    #expect(abs(parts.values.reduce(0, +) - 1) < 1e-6)
    #expect(try #require(parts["product"]) > 0.2)
  }

  @Test func timesGeneration() throws {
    let run = try Run(
      ["bench", "--only", "generation", "--preset", "tiny", "--steps", "3", "--weights", "int8", "--json"])
    #expect(run.status == 0 && run.errorText == "")
    let lines = run.outputText.split(separator: "\n")
    let records = try lines.map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
    #expect(records.map { $0["texts"] as? Int } == [1, 8])
    for record in records {
      #expect(record["model"] as? String == "tiny" && record["weights"] as? String == "int8")
      let speed = try #require(record["gb_per_s"] as? Double),
        memory = try #require(record["memory_gb_per_s"] as? Double)
      #expect(speed > 0 && memory > 0)
      // Eight-bit weights of 804,000 parameters, their scales, and a little of the caches.
      #expect(try (8e5..<2e6).contains(#require(record["bytes_per_step"] as? Double)))
    }
  }

  @Test func timesAModel() throws {
    let model = try Bottles.folder() + "/char.safetensors"
    let run = try Run(["bench", "--only", "generation", "--model", model, "--steps", "2", "--weights", "fp32"])
    #expect(run.status == 0 && run.outputText.hasPrefix("\(model) fp32: "))
    let nowhere = try Run(["bench", "--only", "generation", "--model", "nowhere"])
    #expect(nowhere.status == 1 && nowhere.errorText.hasPrefix("minigpt: nowhere: "))
  }

  @Test func whatGeneratesNothingIsRefused() throws {
    try Run(["bench", "--only", "generation", "--preset", "multi30k"]).expectRefusal(
      2, "--only generation times language models, and the preset multi30k is a translator")
    try Run(["bench", "--model", "m.safetensors"]).expectRefusal(
      2, "--model is for generation: give --only generation too")
  }

  @Test func unknownShapesAreRefused() throws {
    try Run(["bench", "--preset", "huge"]).expectRefusal(
      2, "--preset needs tiny, char, bpe, tiny-qwen3, bpe-qwen3, gpt2, gpt2-1k or multi30k, not 'huge'")
  }
}
