import Foundation
import Testing

/// `export` and `import`, and folders where a MODEL is asked for.
@Suite struct ExportCommandTests {
  private func trained() throws -> Scratch {
    let scratch = try Scratch()
    try scratch.write("text.txt", (0..<60).map { "\($0) green bottles\n" }.joined())
    let run = try Run(
      [
        "train", "text.txt", "--arch", "gpt2", "--out", "m.safetensors", "--tokenizer", "byte", "--layers", "1",
        "--heads", "2", "--embd",
        "32", "--context", "16", "--batch-size", "2", "--steps", "6", "--seed", "7", "--quiet",
      ], folder: scratch.folder)
    #expect(run.status == 0)
    return scratch
  }

  private func names(_ scratch: Scratch) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: scratch.folder).filter { !$0.hasPrefix("m.") }.sorted()
  }

  @Test func folderAndBack() throws {
    let scratch = try trained()
    func run(_ words: String...) throws -> Run { try Run(words, folder: scratch.folder) }
    let export = try run("export", "m.safetensors", "--to", "hf", "--out", "hf/")
    #expect(export.status == 0 && export.errorText == "wrote hf/\n" && export.outputText == "")
    #expect(try names(scratch) == ["hf", "text.txt"])
    // It is a model wherever one is asked for.
    #expect(try run("eval", "hf", "text.txt").output == run("eval", "m.safetensors", "text.txt").output)
    let words = ["sample", "--greedy", "-n", "20", "--prompt", "7 green", "--quiet", "--model"]
    #expect(
      try Run(words + ["hf"], folder: scratch.folder).output
        == Run(words + ["m.safetensors"], folder: scratch.folder).output)
    let info = try run("info", "hf").outputText, size = try scratch.read("hf/model.safetensors").count
    #expect(size > 50_000 && size < 100_000)
    #expect(info.contains("no record in the file") && info.contains(" hf, \(Double((size + 50) / 100) / 10) kB\n"))
    #expect(try run("tokenizer", "show", "--tokenizer", "hf").status == 0)
    // And back: the same weights.
    #expect(try run("import", "hf", "--out", "back.safetensors").status == 0)
    #expect(try run("export", "m.safetensors", "--to", "safetensors", "--out", "weights.safetensors").status == 0)
    #expect(try scratch.read("back.safetensors") == scratch.read("weights.safetensors"))
    let tiktoken = try run("export", "m.safetensors", "--to", "tiktoken", "--out", "ranks")
    #expect(tiktoken.status == 0)
    #expect(String(decoding: try scratch.read("ranks"), as: UTF8.self).hasPrefix("IQ== 0\n"))
    // Fine-tuned from the folder.
    let tuned = try run("train", "text.txt", "--init", "hf", "--out", "t.safetensors", "--steps", "2", "--quiet")
    #expect(tuned.status == 0, "\(tuned.errorText)")
  }

  @Test func nothingIsOverwrittenUnasked() throws {
    let scratch = try trained()
    let words = ["export", "m.safetensors", "--to", "hf", "--out"]
    try FileManager.default.createDirectory(atPath: scratch.path("full/sub"), withIntermediateDirectories: true)
    try scratch.write("full/config.json", "{}")
    try Run(words + ["full"], folder: scratch.folder).expectRefusal(
      1, "full: is there already; --overwrite replaces it, another --out leaves it alone")
    try Run(words + ["full", "--overwrite"], folder: scratch.folder).expectRefusal(
      1, "full: is there already, and --overwrite leaves it alone: sub in it is no file")
    #expect(try names(scratch) == ["full", "text.txt"])
    #expect(try Run(words + ["hf"], folder: scratch.folder).status == 0)
    #expect(try Run(words + ["hf", "--overwrite", "--weights", "f16"], folder: scratch.folder).status == 0)
    #expect(String(decoding: try scratch.read("hf/config.json"), as: UTF8.self).contains("float16"))
    #expect(try names(scratch) == ["full", "hf", "text.txt"])
    // Somebody else's files stay, and so do permissions.
    try scratch.write("hf/README.md", "mine")
    chmod(scratch.path("hf/model.safetensors"), 0o600)
    #expect(try Run(words + ["hf", "--overwrite"], folder: scratch.folder).status == 0)
    #expect(String(decoding: try scratch.read("hf/config.json"), as: UTF8.self).contains("float32"))
    #expect(try scratch.read("hf/README.md") == Array("mine".utf8))
    var information = stat()
    #expect(stat(scratch.path("hf/model.safetensors"), &information) == 0 && information.st_mode & 0o777 == 0o600)
    // A model that minigpt did not write stays.
    try FileManager.default.createDirectory(atPath: scratch.path("theirs"), withIntermediateDirectories: true)
    try scratch.write("theirs/config.json", "{}")
    try scratch.write("theirs/app.py", "x")
    try Run(words + ["theirs", "--overwrite"], folder: scratch.folder).expectRefusal(
      1,
      "theirs: is there already, and --overwrite leaves it alone: the model in it is not one that minigpt exported")
    try FileManager.default.removeItem(atPath: scratch.path("theirs"))
    #expect(try names(scratch) == ["full", "hf", "text.txt"])
    try Run(["import", "hf", "--out", "hf/model.safetensors", "--overwrite"], folder: scratch.folder).expectRefusal(
      1, "hf/model.safetensors: cannot be written, since it is being read; another name leaves it alone")
    try Run(["import", "hf", "--out", "text.txt"], folder: scratch.folder).expectRefusal(
      1, "text.txt: is there already; --overwrite replaces it, another --out leaves it alone")
  }

  @Test func flagsAloneShowIt() throws {
    let empty: [String] = ["export", "m"]
    try Run(empty + ["--out", "x"]).expectRefusal(2, "export needs --to hf|gguf|tiktoken|safetensors")
    try Run(empty + ["--to", "hf"]).expectRefusal(2, "export needs --out PATH")
    try Run(empty + ["--to", "hf", "--out", "x", "--weights", "int8"]).expectRefusal(
      2, "--to hf has no int8: give --weights fp32, bf16 or f16")
    try Run(empty + ["--to", "safetensors", "--out", "x", "--weights", "int4"]).expectRefusal(
      2, "--to safetensors has no int4: give --weights int8, or --to gguf")
    try Run(empty + ["--to", "tiktoken", "--out", "x", "--weights", "f16"]).expectRefusal(
      2, "--to tiktoken has no weights: leave out --weights")
    try Run(["import", "x"]).expectRefusal(2, "import needs --out FILE")
  }

  /// Damage is one line, status 1, and nothing is left behind.
  @Test func damageIsSaid() throws {
    let scratch = try trained()
    #expect(
      try Run(["export", "m.safetensors", "--to", "hf", "--out", "hf", "--quiet"], folder: scratch.folder).status == 0)
    var bytes = try scratch.read("m.safetensors")
    bytes[bytes.count / 3 - 100] ^= 1
    try scratch.write("m.broken", bytes)
    for format in ["hf", "safetensors"] {
      let run = try Run(["export", "m.broken", "--to", format, "--out", "out"], folder: scratch.folder)
      #expect(run.status == 1 && run.errorText.contains("is damaged: its checksum should be"))
    }
    var weights = try scratch.read("hf/model.safetensors")
    weights[weights.count - 100] ^= 1
    try scratch.write("hf/model.safetensors", weights)
    let run = try Run(["import", "hf", "--out", "out"], folder: scratch.folder)
    #expect(run.status == 1 && run.errorText.contains("is damaged: its checksum should be"))
    #expect(run.errorText.split(separator: "\n").count == 1)
    #expect(try names(scratch) == ["hf", "text.txt"])
  }
}
