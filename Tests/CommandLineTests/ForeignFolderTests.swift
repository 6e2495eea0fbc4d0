import Foundation
import Testing

/// Folders of other programs as people have them: made of an export of ours, whose files are then changed.
@Suite struct ForeignFolderTests {
  private let scratch: Scratch

  init() throws {
    scratch = try Scratch()
    try scratch.write("text.txt", (0..<80).map { "\($0) green bottles\n" }.joined())
    let flags = [
      "--arch", "gpt2", "--tokenizer", "bpe", "--vocab-size", "270", "--layers", "1", "--heads", "1", "--embd", "16",
      "--context", "16",
      "--batch-size", "2", "--steps", "30", "--seed", "3", "--quiet", "--out", "m.safetensors",
    ]
    #expect(try Run(["train", "text.txt"] + flags, folder: scratch.folder).status == 0)
    #expect(try run("export", "m.safetensors", "--to", "hf", "--out", "hf").status == 0)
  }

  private func run(_ arguments: String..., input: String = "") throws -> Run {
    try Run(arguments, input: Array(input.utf8), folder: scratch.folder)
  }

  private func change(_ name: String, _ change: (inout [String: Any]) -> Void) throws {
    var object = try #require(
      try JSONSerialization.jsonObject(with: Data(scratch.read("hf/" + name))) as? [String: Any])
    change(&object)
    try scratch.write("hf/" + name, Array(try JSONSerialization.data(withJSONObject: object)))
  }

  private var greedy: [String] { ["--temp", "0", "-n", "12", "--prompt", "1"] }

  private func sampled(_ more: [String] = []) throws -> [UInt8] {
    let run = try Run(["sample", "hf"] + greedy + more, folder: scratch.folder)
    #expect(run.status == 0, "\(run.errorText)")
    return run.output
  }

  /// Whatever token is named as an end ends the text, and it is so after there and back.
  @Test func textsEndAsTheModelSays() throws {
    let before = try sampled(["--ignore-eos"])
    let ids = try run("tokenizer", "encode", "--tokenizer", "hf", input: String(decoding: before, as: UTF8.self))
      .outputText.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
    let end = try #require(ids.dropFirst(2).first)
    try change("generation_config.json") { $0["eos_token_id"] = [269, end] }
    let after = try sampled()
    #expect(after.count < before.count && before.starts(with: after.dropLast()))
    #expect(try run("import", "hf", "--out", "back.safetensors").status == 0)
    #expect(try Run(["sample", "back.safetensors"] + greedy, folder: scratch.folder).output == after)
    #expect(try run("export", "back.safetensors", "--to", "gguf", "--out", "m.gguf").status == 0)
    #expect(try Run(["sample", "m.gguf"] + greedy, folder: scratch.folder).output == after)
  }

  @Test func aModelWithoutMarksNeedsAPrompt() throws {
    for name in ["config.json", "generation_config.json"] {
      try change(name) {
        $0["eos_token_id"] = NSNull()
        $0["bos_token_id"] = NSNull()
      }
    }
    // "None" is an answer, whatever the tokenizer has.
    let refusal = "this model's vocabulary has no token that begins a text: give it a prompt"
    try run("sample", "hf", "--temp", "0").expectRefusal(1, refusal)
    try change("tokenizer.json") { $0["added_tokens"] = [Any]() }
    try change("tokenizer_config.json") {
      $0["bos_token"] = NSNull()
      $0["eos_token"] = NSNull()
    }
    try run("sample", "hf", "--temp", "0").expectRefusal(1, refusal)
    #expect(try !sampled().isEmpty)
  }

  /// Rounded-up vocabularies: the rows without a token are never drawn, and come back.
  @Test func rowsWithoutTokensAreNeverDrawn() throws {
    let before = try sampled()
    try change("tokenizer.json") { root in
      var model = root["model"] as? [String: Any] ?? [:], vocabulary = model["vocab"] as? [String: Int] ?? [:]
      vocabulary = vocabulary.filter { $0.value < 268 || $0.key.hasPrefix("<|") }
      model["merges"] = (model["merges"] as? [Any]).map { Array($0.dropLast()) }
      model["vocab"] = vocabulary
      root["model"] = model
    }
    let drawn = try run("sample", "hf", "-n", "200", "--temp", "5", "--seed", "1", "--prompt", "1", "--ignore-eos")
    #expect(drawn.status == 0, "\(drawn.errorText)")
    #expect(try run("import", "hf", "--out", "b.safetensors").status == 0)
    #expect(try run("export", "b.safetensors", "--to", "hf", "--out", "again").status == 0)
    let sizes = try ["hf", "again"].map { folder in
      try JSONSerialization.jsonObject(with: Data(scratch.read(folder + "/config.json"))) as? [String: Any]
    }.map { $0?["vocab_size"] as? Int }
    #expect(sizes == [270, 270])
    #expect(!before.isEmpty)
  }

  /// The output's matrix alone, where it is tied to the embedding.
  @Test func theEmbeddingMayHaveTheOutputsName() throws {
    let before = try sampled()
    let bytes = try scratch.read("hf/model.safetensors")
    let size = bytes.prefix(8).enumerated().reduce(0) { $0 + Int($1.element) << (8 * $1.offset) }
    var header = try #require(
      try JSONSerialization.jsonObject(with: Data(bytes[8..<8 + size])) as? [String: Any])
    header["lm_head.weight"] = header.removeValue(forKey: "transformer.wte.weight")
    header["__metadata__"] = ["format": "pt"]
    let written = try JSONSerialization.data(withJSONObject: header)
    let length = (0..<8).map { UInt8(truncatingIfNeeded: written.count >> (8 * $0)) }
    try scratch.write("hf/model.safetensors", length + Array(written) + bytes[(8 + size)...])
    #expect(try sampled() == before)
  }

  /// Files of older writers, and tokens that are named beside the vocabulary.
  @Test func tokenizersOfOlderWritersOpen() throws {
    let before = try sampled()
    try change("tokenizer.json") { root in
      var model = root["model"] as? [String: Any] ?? [:]
      model["type"] = nil
      root["model"] = model
    }
    #expect(try sampled() == before)
    let folder = try run("tokenizer", "train", "text.txt", "--vocab-size", "270", "--out", "t")
    #expect(folder.status == 0)
    for name in ["vocab.json", "merges.txt"] { try scratch.write("hf/" + name, try scratch.read("t/" + name)) }
    try scratch.write("hf/tokenizer.json", "{\"model\": {\"type\": \"Unigram\"}}")
    #expect(try sampled() == before)
  }
}
