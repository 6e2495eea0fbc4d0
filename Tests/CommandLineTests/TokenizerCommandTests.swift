import Foundation
import Testing

/// `minigpt tokenizer train|encode|decode|show`.
@Suite struct TokenizerCommandTests {
  private static let verse = "To be, or not to be: that is the question.\n"

  @Test func whatIsEncodedIsDecodedByteForByte() throws {
    let scratch = try Scratch()
    try scratch.write("text.txt", String(repeating: Self.verse, count: 40))
    for name in ["t.json", "t.tiktoken", "folder"] {
      let train = try Run(
        ["tokenizer", "train", "text.txt", "--vocab-size", "280", "--out", name], folder: scratch.folder)
      #expect(train.status == 0 && train.outputText == "" && train.errorText.hasSuffix("wrote \(name)\n"))
      let bytes = Array("To be\u{0} \u{1F600}\r\n".utf8) + [0xFF, 0x80]
      let ids = try Run(["tokenizer", "encode", "--tokenizer", name], input: bytes, folder: scratch.folder)
      #expect(ids.status == 0 && ids.outputText.hasSuffix("\n"))
      let text = try Run(["tokenizer", "decode", "--tokenizer", name], input: ids.output, folder: scratch.folder)
      #expect(text.output == bytes && text.errorText == "" && text.status == 0)
    }
    try Run(
      ["tokenizer", "train", "text.txt", "--vocab-size", "280", "--out", "t.json"], folder: scratch.folder
    ).expectRefusal(1, "t.json: is there already; --overwrite replaces it, another --out leaves it alone")
  }

  @Test func aLongTextIsEncodedAsAWhole() throws {
    let scratch = try Scratch()
    let text = Array(String(repeating: Self.verse, count: 8000).utf8)
    let ids = try Run(["tokenizer", "encode", "--tokenizer", "byte"], input: text)
    #expect(ids.outputText.split(separator: " ").count == text.count)
    let back = try Run(["tokenizer", "decode", "--tokenizer", "byte"], input: ids.output, folder: scratch.folder)
    #expect(back.output == text)
  }

  /// Several megabytes, so that all threads have their part, cut in the middle of words by the blocks of stdin.
  @Test func threadsDoNotShow() throws {
    let scratch = try Scratch()
    let text = (0..<90_000).map {
      "\($0): It was the night, \($0 % 977) ways of it\(String(repeating: " ", count: $0 % 5))"
    }
    .joined(separator: "\n")
    try scratch.write("text.txt", text)
    let train = ["tokenizer", "train", "text.txt", "--vocab-size", "400", "--quiet", "--out"]
    #expect(try Run(train + ["t.json"], folder: scratch.folder).status == 0)
    let line = #"cat text.txt | "$minigpt" tokenizer encode --tokenizer t.json --threads "#
    let ids = try Run.shell(line + "1", folder: scratch.folder).output
    #expect(ids.count > 1_000_000)
    #expect(try Run.shell(line + "3", folder: scratch.folder).output == ids)
    // A file is read where it lies, and is read to its end for whoever comes behind.
    let mapped = #"{ "$minigpt" tokenizer encode --tokenizer t.json --threads 2; wc -c >rest; } <text.txt"#
    #expect(try Run.shell(mapped, folder: scratch.folder).output == ids)
    #expect(try String(decoding: scratch.read("rest"), as: UTF8.self).filter(\.isNumber) == "0")
    let count = try Run.shell(line + "2 --count", folder: scratch.folder).outputText
    #expect(count == "\(ids.count(where: { $0 == 0x20 }) + 1)\n")
    let back = try Run(["tokenizer", "decode", "--tokenizer", "t.json"], input: ids, folder: scratch.folder)
    #expect(back.output == Array(text.utf8))
  }

  /// The text as the lecture draws it, with a blank at each cut.
  @Test func piecesAreDrawn() throws {
    func draw(_ text: [UInt8], _ name: String = "byte") throws -> String {
      try Run(["tokenizer", "encode", "--tokenizer", name, "--pieces"], input: text, folder: scratch.folder).outputText
    }
    let scratch = try Scratch()
    #expect(try draw(Array("a b_c\nd".utf8)) == "a _ b \\_ c \\n\nd\n")
    #expect(try draw(Array("a\n".utf8)) == "a \\n\n")
    #expect(try draw([0x1B, 0xFF]) == "\\x1B \\xFF\n")
    #expect(try draw([]) == "")
    try scratch.write(
      "text.txt", String(repeating: "The animal didn't cross the street because it was too tired. ", count: 9))
    #expect(
      try Run(
        ["tokenizer", "train", "text.txt", "--vocab-size", "310", "--out", "t.json", "--quiet"], folder: scratch.folder
      ).status == 0)
    #expect(
      try draw(Array("The animal didn't cross".utf8), "t.json") == "The _animal _didn 't _cross\n")
  }

  @Test func recordsAreLines() throws {
    let records = try Run(["tokenizer", "encode", "--tokenizer", "byte", "--json"], input: [0x61, 0xFF])
    #expect(
      records.outputText == #"{"id":64,"text":"a"}"# + "\n" + #"{"id":187,"text":"\#u{FFFD}","bytes":[255]}"# + "\n")
    let special = Array("<|endoftext|>".utf8)
    #expect(
      try Run(["tokenizer", "encode", "--tokenizer", "byte", "--allow-special"], input: special).outputText == "256\n")
    #expect(
      try Run(["tokenizer", "encode", "--tokenizer", "byte"], input: special).outputText.split(separator: " ").count
        == 13)
    #expect(try Run(["tokenizer", "encode", "--tokenizer", "byte"]).outputText == "")
    #expect(try Run(["tokenizer", "encode", "--tokenizer", "byte", "--count"]).outputText == "0\n")
    try Run(["tokenizer", "encode", "--tokenizer", "byte", "--count", "--json"]).expectRefusal(
      2, "--pieces, --count and --json print different things: give one")
  }

  /// Where a file is handed in as a word, it is said how this command takes it.
  @Test func aFileAsAWordIsAnswered() throws {
    let scratch = try Scratch(), help = "(minigpt tokenizer"
    try scratch.write("t.json", "{}")
    func refusal(_ command: String, _ word: String, _ hint: String) throws {
      try Run(["tokenizer", command, word], folder: scratch.folder).expectRefusal(
        2, "tokenizer \(command) takes only flags, and '\(word)' is none\(hint) \(help) \(command) --help)")
    }
    try refusal("show", "t.json", ": --tokenizer t.json names the file")
    try refusal("encode", "t.json", ": < t.json hands it the file")
    let model = try Bottles.folder() + "/char.safetensors"
    try refusal("decode", model, ": --tokenizer \(model) names the file")
    try refusal("show", "nothing.json", "")
    try Run(["bench", "t.json"], folder: scratch.folder).expectRefusal(
      2, "bench takes only flags, and 't.json' is none (minigpt bench --help)")
  }

  @Test func showListsTheVocabulary() throws {
    let run = try Run(["tokenizer", "show", "--tokenizer", "byte"])
    let lines = run.outputText.split(separator: "\n")
    #expect(lines.count == 257 && lines[0] == "0\t!\tbyte" && lines[256] == "256\t<|endoftext|>\tspecial")
    #expect(lines[220] == "220\t_\tbyte" && lines[62] == "62\t\\_\tbyte" && lines[198] == "198\t\\n\tbyte")
    let scratch = try Scratch()
    try scratch.write("text.txt", "to be or not to be")
    try scratch.write("bad.txt", "to be")
    #expect(
      try Run(
        ["tokenizer", "train", "text.txt", "--vocab-size", "260", "--out", "t.json", "--quiet"], folder: scratch.folder
      ).status == 0)
    let show = ["tokenizer", "show", "--tokenizer", "t.json", "--count", "text.txt"]
    let counted = try Run(show, folder: scratch.folder).outputText.split(separator: "\n").suffix(4)
    #expect(counted.first == "256\tbe\tb + e\t0" || counted.first?.hasPrefix("256\t") == true)
    let total = try Run(show, folder: scratch.folder).outputText.split(separator: "\n")
      .compactMap { $0.split(separator: "\t").last.flatMap { Int($0) } }.reduce(0, +)
    let encoded = try Run(
      ["tokenizer", "encode", "--tokenizer", "t.json", "--count"], input: Array("to be or not to be".utf8),
      folder: scratch.folder)
    #expect(encoded.outputText == "\(total)\n")
    let records = try Run(show + ["--count", "text.txt", "--json"], folder: scratch.folder).outputText
    let last = records.split(separator: "\n")[258]
    let record = try #require(try JSONSerialization.jsonObject(with: Data(last.utf8)) as? [String: Any])
    #expect((record["merge"] as? [Int])?.count == 2 && record["count"] is Int && record["id"] as? Int == 258)
    try Run(["tokenizer", "show", "--tokenizer", "byte", "--count", "none.txt"], folder: scratch.folder)
      .expectRefusal(1, "none.txt: cannot be opened: No such file or directory")
  }

  @Test func specialTokensStandBehindTheMerges() throws {
    let scratch = try Scratch()
    try scratch.write("text.txt", String(repeating: "<|endoftext|> <sep> to be ", count: 50))
    let train = ["tokenizer", "train", "text.txt", "--vocab-size", "300", "--split", "spaces", "--quiet"]
    let run = try Run(train + ["--special", "<sep>", "--special=<a b>", "--out", "t.json"], folder: scratch.folder)
    #expect(run.status == 0)
    let show = try Run(["tokenizer", "show", "--tokenizer", "t.json"], folder: scratch.folder).outputText
    let lines = show.split(separator: "\n").suffix(3).map {
      $0.split(separator: "\t").dropFirst().joined(separator: " ")
    }
    #expect(lines == ["<sep> special", "<a_b> special", "<|endoftext|> special"])
    let ids = try Run(
      ["tokenizer", "encode", "--tokenizer", "t.json", "--allow-special", "--json"], input: Array("x<sep><a b>".utf8),
      folder: scratch.folder
    ).outputText
    #expect(ids.split(separator: "\n").count == 3)
    try Run(train + ["--special", "<sep>", "--out", "t.tiktoken"], folder: scratch.folder).expectRefusal(
      1, "t.tiktoken: tiktoken's ranks hold no special tokens: expected <|endoftext|> alone, as id 277")
    try Run(train + ["--special", "<|endoftext|>", "--out", "u.json"]).expectRefusal(
      2, "--special <|endoftext|> is a special token already")
    try Run(train + ["--special", "", "--out", "u.json"]).expectRefusal(2, "--special needs a text, not ''")
  }

  /// Of every format: one line that names the file and the place in it.
  @Test(arguments: [
    ("t.json", #"{"model":{"type":"Unigram","vocab":{}}}"#, "t.json: field `model.type`: Unigram is not supported"),
    ("t.json", #"{"model":{"type":"BPE","vocab":{"a":0}"#, "t.json: "),
    ("t.json", #"{"model":7}"#, "t.json: field `model`: expected an object, found an integer"),
    ("t.tiktoken", "IQ== 0\nIQ= 1\n", "t.tiktoken: field `line 2`: expected a token in base64"),
    ("t.tiktoken", "\u{0}\u{0}\u{0}", "t.tiktoken: no tokenizer: expected a tokenizer.json or tiktoken's ranks"),
    ("f/vocab.json", #"{"a":0,"b":"x"}"#, "f: no tokenizer: expected tokenizer.json, or vocab.json and merges.txt"),
    ("f/tokenizer.json", "[]", "f/tokenizer.json: "),
    ("m.safetensors", "\u{8}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}{}      ", "m.safetensors: a safetensors file, but not"),
    ("m.ckpt", "\u{8}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}{}      ", "m.ckpt: a safetensors file, but not"),
    ("empty", "", "empty: no tokenizer: expected"),
  ]) func brokenFilesAreNamed(_ name: String, _ text: String, _ message: String) throws {
    let scratch = try Scratch()
    try FileManager.default.createDirectory(atPath: scratch.path("f"), withIntermediateDirectories: true)
    try scratch.write(name, text)
    let run = try Run(
      ["tokenizer", "encode", "--tokenizer", name.hasPrefix("f/") ? "f" : name], folder: scratch.folder)
    #expect(run.status == 1 && run.signal == 0 && run.output.isEmpty)
    #expect(run.errorText.hasPrefix("minigpt: " + message), "\(run.errorText)")
    #expect(run.errorText.split(separator: "\n").count == 1)
  }

  @Test func refusesWhatAreNoIds() throws {
    let arguments = ["tokenizer", "decode", "--tokenizer", "byte"]
    try Run(arguments, input: Array("x 1".utf8)).expectRefusal(
      1, "standard input: expected ids separated by white space, found 'x'")
    try Run(arguments, input: Array("257".utf8)).expectRefusal(
      1, "id 257 is not in the vocabulary, which has ids 0 to 256")
    try Run(arguments, input: Array("-1".utf8)).expectRefusal(
      1, "id -1 is not in the vocabulary, which has ids 0 to 256")
    try Run(["tokenizer", "encode"]).expectRefusal(
      1,
      "no tokenizer: name one with --tokenizer FILE, or make one with minigpt tokenizer train (without the flag it is"
        + " that of the newest model in checkpoints, and there is none)")
    let none = try Run(["tokenizer", "show", "--tokenizer", "none.json"])
    none.expectRefusal(1, "none.json: cannot be opened: No such file or directory")
  }
}
