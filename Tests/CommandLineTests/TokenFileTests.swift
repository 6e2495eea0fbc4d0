import Foundation
import Testing

/// Files of ids: kept beside a checkpoint, written by `tokenizer encode --out`, brought along from nanoGPT and llm.c.
@Suite struct TokenFileTests {
  private static let text = String(repeating: "Once upon a midnight dreary, while I pondered.\n", count: 200)
  private static let small = """
    --steps 3 --layers 1 --heads 2 --embd 16 --context 16 --batch-size 2 --threads 1 --seed 1 --precision fp32 --quiet
    """.split(whereSeparator: \.isWhitespace).map(String.init)

  private func train(_ scratch: Scratch, _ words: [String]) throws {
    let run = try Run(["train"] + words + Self.small, folder: scratch.folder)
    #expect(run.status == 0 && run.errorText == "", "\(run.errorText)")
  }

  @Test func keptIdsAreUsedAgainAndChangeNothing() throws {
    let scratch = try Scratch()
    try scratch.write("a.txt", Self.text)
    let bpe = ["--vocab-size", "280", "--out"]
    try train(scratch, ["a.txt"] + bpe + ["plain.safetensors"])
    try train(scratch, ["a.txt", "--keep-ids", "on"] + bpe + ["kept.safetensors"])
    #expect(try scratch.read("kept.safetensors") == scratch.read("plain.safetensors"))
    #expect(!FileManager.default.fileExists(atPath: scratch.path("plain.tokens")))
    let first = try scratch.read("kept.tokens"), made = try modified(scratch.path("kept.tokens"))
    try train(scratch, ["a.txt", "--keep-ids", "on", "--overwrite"] + bpe + ["kept.safetensors"])
    #expect(try scratch.read("kept.safetensors") == scratch.read("plain.safetensors"))
    #expect(try modified(scratch.path("kept.tokens")) == made)
    // Whoever goes on has the tokenizer from the checkpoint.
    let resumed = try Run(
      ["train", "a.txt", "--out", "kept.safetensors", "--keep-ids", "on", "--resume", "--steps", "5", "--quiet"],
      folder: scratch.folder)
    #expect(resumed.status == 0)
    #expect(try modified(scratch.path("kept.tokens")) == made)
    // Another way of cutting, or another text, is another file.
    try train(
      scratch, ["a.txt", "--keep-ids", "on", "--overwrite", "--val-fraction", "0.2"] + bpe + ["kept.safetensors"])
    let second = try scratch.read("kept.tokens")
    #expect(second != first)
    try scratch.write("a.txt", Self.text + "Nevermore.\n")
    try train(scratch, ["a.txt", "--keep-ids", "on", "--overwrite"] + bpe + ["kept.safetensors"])
    try train(scratch, ["a.txt", "--overwrite"] + bpe + ["plain.safetensors"])
    #expect(try scratch.read("kept.safetensors") == scratch.read("plain.safetensors"))
  }

  private func modified(_ path: String) throws -> Date {
    try #require(FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date)
  }

  @Test func whatIsNoFileOfTokensIsLeftAlone() throws {
    let scratch = try Scratch()
    try scratch.write("a.txt", Self.text)
    try scratch.write("m.tokens", "my notes")
    try Run(["train", "a.txt", "--keep-ids", "on", "--out", "m.safetensors"] + Self.small, folder: scratch.folder)
      .expectRefusal(1, "m.tokens: is there already; it holds no ids; --keep-ids off leaves it alone")
    #expect(try scratch.read("m.tokens") == Array("my notes".utf8))
  }

  @Test func encodedOnceIsLearnedFrom() throws {
    let scratch = try Scratch()
    try scratch.write("a.txt", Self.text)
    try train(scratch, ["a.txt", "--tokenizer", "char", "--out", "m.safetensors"])
    let encode = try Run(
      ["tokenizer", "encode", "--tokenizer", "m.safetensors", "--out", "t.tokens"], input: Array(Self.text.utf8),
      folder: scratch.folder)
    #expect(encode.status == 0 && encode.outputText == "")
    #expect(encode.errorText.hasSuffix("9,400 tokens in t.tokens\n"))
    try train(scratch, ["t.tokens", "--out", "i.safetensors"])
    let resumed = try Run(
      ["train", "t.tokens", "--out", "i.safetensors", "--resume", "--steps", "5", "--quiet"], folder: scratch.folder)
    #expect(resumed.status == 0 && resumed.errorText == "", "\(resumed.errorText)")
    try train(scratch, ["a.txt", "--tokenizer", "t.tokens", "--out", "again.safetensors"])
    let into = ["tokenizer", "encode", "--tokenizer", "m.safetensors", "--out"]
    try Run(into + ["t.tokens"], input: Array(Self.text.utf8), folder: scratch.folder)
      .expectRefusal(1, "t.tokens: is there already; --overwrite replaces it, another --out leaves it alone")
    try Run(into + ["n.tokens"], input: [], folder: scratch.folder)
      .expectRefusal(1, "standard input: empty: there is nothing in it")
    try Run(into + ["n.tokens"], input: [0xFF], folder: scratch.folder)
      .expectRefusal(1, "standard input: not UTF-8 text: the byte at offset 0 is not part of a character")
  }

  /// A tokenizer that is there already, in a file or with ids, gets the recipe of one that is made from the text.
  @Test func theRecipeFollowsTheTokenizer() throws {
    let scratch = try Scratch()
    try scratch.write("a.txt", Self.text)
    var recipes: Set<[String]> = []
    for (words, out) in [
      (["a.txt", "--vocab-size", "280", "--keep-ids", "on"], "a"), (["a.txt", "--tokenizer", "a.safetensors"], "b"),
      (["a.tokens"], "c"),
    ] {
      let run = try Run(
        ["train"] + words + ["--out", out + ".safetensors", "--steps", "1", "--seed", "1"], folder: scratch.folder)
      let line = try #require(run.errorText.split(separator: "\n").first { $0.hasPrefix("again: ") })
      // What is learned, where to, and by which tokenizer differ.
      let flags = String(line).components(separatedBy: " --").dropFirst()
      recipes.insert(
        flags.filter { flag in !["out ", "tokenizer ", "vocab-size ", "split "].contains { flag.hasPrefix($0) } })
    }
    #expect(recipes.count == 1)
    #expect(try #require(recipes.first).count > 20)
  }

  /// What ids cannot be asked for.
  @Test(arguments: [
    (["t.tokens", "a.txt"], 1, "t.tokens: holds ids, and such a file is learned from alone"),
    (["t.tokens", "--tokenizer", "bpe"], 2, "--tokenizer bpe is made from a text, and t.tokens holds ids"),
    (["t.tokens", "--lines"], 2, "--lines is for texts, and t.tokens holds ids"),
    (["t.tokens", "--tokenizer", "m.safetensors"], 1, "t.tokens: its ids were made by another tokenizer"),
    (["a.txt", "--val", "t.tokens"], 1, "t.tokens: holds ids, and --val is a text; --val-fraction holds out ids"),
    (
      ["n.bin"], 1,
      "n.bin: taken for ids by its name: --tokenizer FILE says what made them, --tokenizer byte learns its bytes"
    ),
    (
      ["n.bin", "--tokenizer", "m.safetensors"], 1,
      "n.bin: the id 400 at place 1 is none of the tokenizer's, which are 0 to 23"
    ),
    (["o.bin", "--tokenizer", "m.safetensors"], 1, "o.bin: no file of ids: 3 bytes, two an id"),
    (
      ["h.bin", "--tokenizer", "m.safetensors"], 1,
      "h.bin: no file of ids: its header says 9 ids of 2 bytes, and there are 0"
    ),
  ])
  func whatIdsCannotBe(words: [String], status: Int32, message: String) throws {
    let scratch = try Scratch()
    try scratch.write("a.txt", Self.text)
    try train(scratch, ["a.txt", "--tokenizer", "char", "--out", "m.safetensors"])
    let encode = ["tokenizer", "encode", "--tokenizer", "byte", "--out", "t.tokens"]
    #expect(try Run(encode, input: Array(Self.text.utf8), folder: scratch.folder).status == 0)
    try scratch.write("n.bin", [1, 0, 0x90, 1])
    try scratch.write("o.bin", [1, 2, 3])
    try scratch.write("h.bin", header(20_240_520, version: 1, count: 9))
    try Run(["train"] + words + Self.small, folder: scratch.folder).expectRefusal(status, message)
  }

  private func header(_ magic: UInt32, version: UInt32, count: UInt32) -> [UInt8] {
    ([magic, version, count] + [UInt32](repeating: 0, count: 253)).flatMap { word in
      (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
    }
  }

  /// The same ids in all three forms, and as a text, make the same model but for the name of what was learned.
  @Test func othersIdsAreLearnedFrom() throws {
    let scratch = try Scratch()
    try scratch.write("a.txt", Self.text)
    try train(scratch, ["a.txt", "--tokenizer", "byte", "--out", "a.safetensors"])
    let encode = ["tokenizer", "encode", "--tokenizer", "a.safetensors"]
    let ids = try Run(encode, input: Array(Self.text.utf8), folder: scratch.folder).outputText
      .split(whereSeparator: \.isWhitespace).compactMap { UInt8($0) }
    let short = ids.flatMap { [$0, 0] as [UInt8] }, long = ids.flatMap { [$0, 0, 0, 0] as [UInt8] }
    let count = UInt32(ids.count)
    #expect(ids.count == Self.text.utf8.count)
    try scratch.write("nano.bin", short)
    try scratch.write("llm.bin", header(20_240_520, version: 1, count: count) + short)
    try scratch.write("llama.bin", header(20_240_801, version: 7, count: count) + long)
    var losses: Set<String> = []
    for name in ["a.txt", "nano.bin", "llm.bin", "llama.bin"] {
      if name != "a.txt" {
        try train(
          scratch, [name, "--tokenizer", "a.safetensors", "--out", name + ".safetensors", "--log", name + ".log"])
      }
      let log = String(decoding: try scratch.read(name == "a.txt" ? "a.log.jsonl" : name + ".log"), as: UTF8.self)
      let line = try #require(log.split(separator: "\n").last)
      losses.insert(String(line.prefix { $0 != "," }) + String(line.split(separator: ",")[1]))
    }
    #expect(losses.count == 1)
  }
}
