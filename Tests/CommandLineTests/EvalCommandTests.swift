import Foundation
import Testing

@Suite struct EvalCommandTests {
  private func record(_ run: Run) throws -> [String: Double] {
    #expect(run.status == 0, "\(run.errorText)")
    return try #require(try JSONSerialization.jsonObject(with: Data(run.output)) as? [String: Double])
  }

  @Test func idsAreTheTextTheyStandFor() throws {
    let scratch = try Scratch()
    let model = try Bottles.folder() + "/char.safetensors"
    try scratch.write("text.txt", "12 green bottles, hanging on the wall;\n13 green bottles")
    let ids = try Run.shell(
      "\"$minigpt\" tokenizer encode --tokenizer \(model) <text.txt >text.ids", folder: scratch.folder)
    #expect(ids.status == 0)
    let text = try Run(["eval", model, "text.txt", "--json"], folder: scratch.folder)
    #expect(try record(text)["tokens"] == 54 && record(text)["bytes"] == 54)
    #expect(try Run(["eval", model, "text.ids", "--ids", "--json"], folder: scratch.folder).output == text.output)
  }

  /// The loss by the definition, from the logits that were written; windows of 32 inputs, the last one short.
  @Test func logitsAreWrittenWhole() throws {
    let scratch = try Scratch()
    let model = try Bottles.folder() + "/byte.safetensors"
    let text = Array((0..<9).map { "\($0) green bottles, hanging on the wall;\n" }.joined().utf8)
    try scratch.write("text.txt", text)
    let run = try Run(
      ["eval", model, "text.txt", "--json", "--logits", "logits.safetensors"], folder: scratch.folder)
    let record = try record(run)
    let file = try scratch.read("logits.safetensors")
    let length = (0..<8).reduce(0) { $0 + Int(file[$1]) << (8 * $1) }
    let header = try #require(
      try JSONSerialization.jsonObject(with: Data(file[8..<8 + length])) as? [String: [String: Any]])
    let tensor = try #require(header["logits"]), rows = text.count - 1
    #expect(tensor["dtype"] as? String == "F32" && tensor["shape"] as? [Int] == [rows, 257])
    let data = Data(file[(8 + length)...])
    #expect(data.count == rows * 257 * 4)
    let ids = try Run(["tokenizer", "encode", "--tokenizer", model], input: text).outputText
      .split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
    var loss = 0.0
    for row in 0..<rows {
      let logits = (0..<257).map { column in
        Double(data.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 4 * (row * 257 + column), as: Float.self) })
      }
      loss += log(logits.reduce(0) { $0 + exp($1) }) - logits[ids[row + 1]]
    }
    #expect(abs(loss / Double(rows) - (record["loss"] ?? 0)) < 1e-5 && record["tokens"] == Double(rows))
  }

  /// What shorter weights cost: half a percent of perplexity at most, and fp32 nothing.
  @Test(arguments: [("fp32", 1e-5), ("bf16", 5e-3), ("f16", 5e-3), ("int8", 5e-3), ("int4", 5e-2)])
  func shortWeightsCostLittle(type: String, limit: Double) throws {
    let scratch = try Scratch()
    let text = (100..<160).map { "\($0) green bottles, hanging on the wall;\n" }.joined()
    try scratch.write("text.txt", text)
    let model = try Bottles.folder() + "/char.safetensors"
    let plain = try record(Run(["eval", model, "text.txt", "--json"], folder: scratch.folder))
    let found = try record(Run(["eval", model, "text.txt", "--json", "--weights", type], folder: scratch.folder))
    #expect(found["tokens"] == plain["tokens"] && found["bytes"] == plain["bytes"])
    let ratio = try #require(found["perplexity"]) / #require(plain["perplexity"])
    #expect(abs(ratio - 1) < limit, "\(type): \(ratio)")
  }

  @Test(arguments: [
    (["--weights", "int8", "--precision", "bf16"], "--weights has its own products: leave out --precision"),
    (["--weights", "int8", "--logits", "l"], "--logits are those of training's products, not of --weights"),
  ]) func weightsStandAlone(flags: [String], message: String) throws {
    try Run(["eval", "m.safetensors", "text.txt"] + flags).expectRefusal(2, message)
  }

  /// The context is 32: so far apart, windows are those of the plain figure.
  @Test func overlappingWindowsStandBeside() throws {
    let scratch = try Scratch()
    let model = try Bottles.folder() + "/char.safetensors"
    try scratch.write("text.txt", (0..<20).map { "\($0) green bottles, hanging on the wall;\n" }.joined())
    func evaluate(_ flags: String...) throws -> Run {
      try Run(["eval", model, "text.txt"] + flags, folder: scratch.folder)
    }
    let plain = try record(evaluate("--json"))
    for stride in [32, 8] {
      let both = try record(evaluate("--json", "--stride", "\(stride)"))
      #expect(both.filter { !$0.key.hasPrefix("stride") } == plain)
      #expect(
        Set(both.keys).subtracting(plain.keys) == [
          "stride", "stride_loss", "stride_perplexity", "stride_bits_per_byte",
        ])
      #expect(both["stride"] == Double(stride))
      let keys = ["loss", "perplexity", "bits_per_byte"]
      let found = try keys.map { try #require(both["stride_" + $0]) }, before = try keys.map { try #require(plain[$0]) }
      #expect(stride == 32 ? found == before : zip(found, before).allSatisfy { $0 != $1 })
      // Each token but the first is predicted once, however far apart windows are.
      let (tokens, bytes) = (try #require(plain["tokens"]), try #require(plain["bytes"]))
      #expect(abs(found[1] / exp(found[0]) - 1) < 1e-9)
      #expect(abs(found[2] / (found[0] * tokens / (log(2) * bytes)) - 1) < 1e-9)
    }
    let lines = try evaluate("--stride", "8").outputText.split(separator: "\n")
    #expect(try lines.dropLast().elementsEqual(evaluate().outputText.split(separator: "\n")))
    #expect(lines.last?.hasPrefix("stride 8       loss ") == true)
    try evaluate("--stride", "33").expectRefusal(
      1, "\(model): its context is 32 tokens, but --stride is 33: it must not be longer")
  }

  @Test(arguments: [
    (["text.txt", "--stride", "0"], "--stride needs a whole number from 1 to 1,000,000,000, not '0'"),
    (["--pairs", "p.tsv", "--stride", "8"], "--stride is for texts, and --pairs are sentences"),
    (
      ["text.txt", "--stride", "8", "--logits", "l"],
      "--logits are those of windows one after another: leave out --stride"
    ),
    (
      ["text.txt", "--stride", "8", "--weights", "int8"], "--weights has windows one after another: leave out --stride"
    ),
  ]) func whatHasNoStrideIsNamed(words: [String], message: String) throws {
    try Run(["eval"] + words).expectRefusal(2, message)
  }

  @Test func whatCannotBeEvaluatedIsNamed() throws {
    let scratch = try Scratch()
    let model = try Bottles.folder() + "/char.safetensors"
    func refusal(_ name: String, _ text: String, _ message: String, _ flags: String...) throws {
      try scratch.write(name, text)
      try Run(["eval", model, name] + flags, folder: scratch.folder).expectRefusal(1, "\(name): \(message)")
    }
    try refusal("empty.txt", "", "empty: there is nothing in it")
    try refusal("words.ids", "1 2 drei", "expected ids separated by white space, found 'drei'", "--ids")
    try refusal("empty.ids", "", "too short: 0 tokens to learn from, but a context of 1 needs at least 2", "--ids")
    try scratch.write("far.ids", "1 2 300")
    let far = try Run(["eval", model, "far.ids", "--ids"], folder: scratch.folder)
    #expect(far.status == 1 && far.errorText.hasPrefix("minigpt: far.ids: id 300 is not in the vocabulary, which has"))
    try scratch.write("good.txt", "12 green")
    let nowhere = try Run(["eval", model, "good.txt", "--logits", "no/l.safetensors"], folder: scratch.folder)
    #expect(nowhere.status == 1 && nowhere.output.isEmpty && nowhere.errorText.contains("no"))
    let full = try Run(["eval", "nowhere.safetensors", "good.txt"], folder: scratch.folder)
    #expect(full.status == 1 && full.errorText.hasPrefix("minigpt: nowhere.safetensors: "))
  }
}
