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

  @Test func unknownShapesAreRefused() throws {
    try Run(["bench", "--preset", "huge"]).expectRefusal(
      2, "--preset needs tiny, char, bpe, gpt2 or gpt2-1k, not 'huge'")
  }
}
