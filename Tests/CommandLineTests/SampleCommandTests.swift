import Foundation
import Testing

@Suite struct SampleCommandTests {
  /// What begins as something else is named, whatever its bytes would mean as the length of a header.
  @Test(
    arguments: [
      ([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13], "a picture (PNG)"),
      ([0x7F, 0x45, 0x4C, 0x46, 2, 1, 1, 0, 0, 0, 0, 0], "a program or library (ELF)"),
      ([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 1, 1], "a gzip file: unpack it first"),
      ([0x80, 2, 0x7D, 0x71, 0, 0x2E, 0, 0, 0, 0], "a pickle of Python: save the model with safetensors"),
    ] as [([UInt8], String)])
  func otherFilesAreNamed(_ bytes: [UInt8], _ what: String) throws {
    let scratch = try Scratch()
    try scratch.write("model", bytes)
    try Run(["sample", "model"], folder: scratch.folder).expectRefusal(1, "model: no model, but \(what)")
  }

  private func sample(_ arguments: String..., input: [UInt8] = [], columns: Int = 80) throws -> Run {
    try Run(
      ["sample"] + arguments, input: input, folder: Bottles.folder(), environment: ["COLUMNS": String(columns)])
  }

  private func text(_ arguments: String..., seed: Int = 3) throws -> String {
    let run = try Run(
      ["sample", "char.safetensors", "--seed", "\(seed)", "--prompt", "12 green", "-n", "24", "--quiet"] + arguments,
      folder: Bottles.folder())
    #expect(run.status == 0 && run.errorText == "", "\(arguments)")
    return run.outputText
  }

  @Test func choicesAtTheirEdges() throws {
    let greedy = try text("--greedy"), plain = try text()
    #expect(greedy != plain)
    for flags in [["-t", "0"], ["-k", "1"], ["--top-p", "0"], ["--min-p", "1"], ["--temp", "1e-30"]] {
      #expect(try text(flags[0], flags[1]) == greedy, "\(flags)")
    }
    for flags in [["-k", "100000"], ["--top-p", "1"], ["--min-p", "0"], ["--repetition-penalty", "1"]] {
      #expect(try text(flags[0], flags[1]) == plain, "\(flags)")
    }
    #expect(try text("--greedy", "--repetition-penalty", "1.5") != greedy)
  }

  @Test func stopsAtATextAndLeavesItOut() throws {
    let whole = try text("--greedy")
    let answer = whole.dropFirst("12 green".count)
    let stop = String(answer.dropFirst(6).prefix(2))
    let end = try #require(answer.range(of: stop)).lowerBound
    #expect(try text("--greedy", "--stop", stop) == "12 green" + answer[..<end] + "\n")
    #expect(try text("--greedy", "--stop", "never there", "--stop", stop) == "12 green" + answer[..<end] + "\n")
    #expect(try text("--greedy", "--stop", "never there") == whole)
  }

  @Test func sameSeedSameTextForAnyThreadsAndSamples() throws {
    let one = try text()
    for threads in ["1", "2", "3"] { #expect(try text("--threads", threads) == one) }
    let three = try text("--num-samples", "3").components(separatedBy: "---\n")
    #expect(three.count == 3 && three[0] == one && Set(three).count == 3)
    #expect(try text("--num-samples", "2").components(separatedBy: "---\n") == Array(three.prefix(2)))
    #expect(try text(seed: 4) != one)
  }

  @Test(arguments: ["fp32", "bf16", "f16", "int8", "int4"]) func weightsOfAnyKind(_ type: String) throws {
    let one = try text("--weights", type)
    #expect(one.hasPrefix("12 green") && one.count == 33)
    #expect(try text("--weights", type, "--num-samples", "3").components(separatedBy: "---\n")[0] == one)
  }

  @Test(arguments: [40, 60, 130]) func comparesSideBySide(_ columns: Int) throws {
    let run = try sample(
      "char.safetensors", "--compare", "--prompt", "12 green", "-n", "30", "--seed", "3", "--quiet", columns: columns)
    #expect(run.status == 0 && run.outputText.hasPrefix("12 green\n\n"))
    for title in ["greedy", "temp 0.5", "temp 1", "temp 1.5", "temp 1, top-k 20", "temp 1, top-p 0.9"] {
      #expect(run.outputText.contains(title))
    }
    let longest = run.outputText.split(separator: "\n").map(\.count).max() ?? 0
    #expect(longest <= columns && longest > columns - 10)
    #expect(
      run.outputText.split(separator: "\n").filter { $0.contains("──") }.count
        == (columns == 40 ? 3 : columns == 60 ? 2 : 1))
  }

  @Test func flagsThatContradictAreRefused() throws {
    for (flags, message) in [
      (["--compare", "--json"], "--compare prints columns and --json records: give one"),
      (
        ["--compare", "--temp", "2"],
        "--compare has its own choices, so --greedy, --temp, --top-k and --top-p have no place"
      ),
      (["--compare", "--num-samples", "2"], "--compare has its own samples, so --num-samples has no place"),
      (["--greedy", "--temp", "2"], "--greedy is a temperature of 0, and --temp 2 another"),
      (["--stop", ""], "--stop needs a text, and an empty one stops everything"),
      (["--top-p", "1.5"], "--top-p needs a number from 0 to 1, not '1.5'"),
      (["--min-p", "-1"], "--min-p needs a number from 0 to 1, not '-1'"),
      (["--repetition-penalty", "0"], "--repetition-penalty needs a number above 0, at most 100, not '0'"),
      (["--prompt", "a", "--prompt-file", "b"], "--prompt and --prompt-file both give a prompt"),
    ] as [([String], String)] {
      try Run(["sample"] + flags).expectRefusal(2, message)
    }
  }

  /// A pipe may be that of a loop around the command: it is not read, and that is said.
  @Test func aPipeThatIsNotReadIsNamed() throws {
    let flags = "sample char.safetensors --greedy -n 2", note = "standard input is not read"
    func pipe(_ more: String) throws -> Run {
      try Run.shell(#"echo Once | { sleep 0.1; "$minigpt" \#(flags) \#(more); cat; }"#, folder: Bottles.folder())
    }
    let run = try pipe("")
    #expect(
      run.errorText == note + ": --prompt-file - takes it as the prompt\n" && run.outputText.hasSuffix("\nOnce\n"))
    #expect(try pipe("--quiet").errorText == "" && pipe("--prompt 12").errorText == "")
    #expect(try Run.shell(#"true | "$minigpt" \#(flags)"#, folder: Bottles.folder()).errorText == "")
  }

  @Test func recordsAreWholeAndAgreeWithTheText() throws {
    let run = try sample(
      "char.safetensors", "--json", "--num-samples", "3", "--seed", "3", "--prompt", "12 green", "-n", "24", "--quiet")
    let texts = try run.outputText.split(separator: "\n").map { line in
      let record = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      #expect(Set(record.keys) == ["text", "prompt", "tokens", "tokens_per_s", "seed"] && record["seed"] as? Int == 3)
      #expect((record["tokens_per_s"] as? Double ?? -1) >= 0)
      let text = try #require(record["text"] as? String)
      #expect(record["prompt"] as? String == "12 green" && text.hasPrefix("12 green"))
      #expect(record["tokens"] as? Int == text.count - "12 green".count)
      return text
    }
    #expect(texts.map { $0 + "\n" } == (try text("--num-samples", "3").components(separatedBy: "---\n")))
  }

  // MARK: - Prompts

  @Test func emptyPromptsBeginAText() throws {
    let none = try sample("char.safetensors", "--seed", "3", "-n", "9", "--quiet")
    #expect(none.status == 0)
    #expect(try sample("char.safetensors", "--seed", "3", "-n", "9", "--quiet", "--prompt", "").output == none.output)
    let file = try sample("char.safetensors", "--seed", "3", "-n", "9", "--quiet", "--prompt-file", "-")
    #expect(file.output == none.output)
  }

  @Test func promptsLongerThanTheContextCountByTheirEnd() throws {
    let long = Array((String(repeating: "7 green bottles, ", count: 60_000) + "\n12 green").utf8)
    #expect(long.count > 1_000_000)
    let run = try sample("char.safetensors", "--seed", "3", "-n", "9", "--prompt-file", "-", input: long)
    #expect(run.status == 0 && run.output.starts(with: long) && run.output.count > long.count + 1)
    #expect(
      run.errorText == "seed: 3\nthe prompt has 1,020,009 tokens, and the model sees the last 32 of them\n")
    let end = Array(long.suffix(32))
    let short = try sample("char.safetensors", "--seed", "3", "-n", "9", "--prompt-file", "-", input: end)
    #expect(short.output.dropFirst(32) == run.output.dropFirst(long.count))
    #expect(
      short.errorText
        == "seed: 3\nthe text is longer than the 32 tokens that the model looks back: it forgot the beginning\n")
  }

  @Test func namesOfSpecialTokensArePlainText() throws {
    func run(_ flags: String...) throws -> Run {
      try Run(
        ["sample", "byte.safetensors", "--seed", "3", "-n", "1", "--prompt", "1<|endoftext|>", "--json", "--quiet"]
          + flags,
        folder: Bottles.folder())
    }
    #expect(try run().status == 0 && run("--allow-special").status == 0)
    // A prompt of 40 bytes is too long for the context, the same as two tokens is not.
    let text = String(repeating: "<|endoftext|>", count: 3)
    let plain = try sample("byte.safetensors", "-n", "1", "--seed", "1", "--prompt", text)
    #expect(plain.errorText.contains("the prompt has 39 tokens"))
    let special = try sample("byte.safetensors", "-n", "1", "--seed", "1", "--prompt", text, "--allow-special")
    #expect(special.status == 0 && !special.errorText.contains("the prompt has"))
    try sample("char.safetensors", "--prompt", "<|endoftext|>", "--quiet").expectRefusal(
      1, "'<' (U+003C) at byte 0 never occurred in the training text")
  }

  @Test func promptsThatAreNoTextAreNamedOrTaken() throws {
    let broken: [UInt8] = [0x31, 0xFF, 0x20]
    let run = try sample("byte.safetensors", "--seed", "3", "-n", "5", "--quiet", "--prompt-file", "-", input: broken)
    #expect(run.status == 0 && run.outputText.hasPrefix("1\u{FFFD} "))
    #expect(String(validating: run.output, as: UTF8.self) != nil)
    try sample("char.safetensors", "--quiet", "--prompt-file", "-", input: broken).expectRefusal(
      1, "standard input: not UTF-8 text: the byte at offset 1 is not part of a character")
    let scratch = try Scratch()
    let path = try scratch.write("broken.txt", broken)
    try sample("char.safetensors", "--quiet", "--prompt-file", path).expectRefusal(
      1, "\(path): not UTF-8 text: the byte at offset 1 is not part of a character")
    let missing = try sample("char.safetensors", "--quiet", "--prompt-file", "nowhere.txt")
    #expect(missing.status == 1 && missing.errorText.hasPrefix("minigpt: nowhere.txt: "))
    try sample("char.safetensors", "--quiet", "--prompt-file", ".").expectRefusal(
      1, ".: expected a file, found a folder")
  }

  // MARK: - Where the text goes

  @Test func readersThatGoAwayAndDisksThatAreFull() throws {
    let line = #""$minigpt" sample char.safetensors --seed 3 --ignore-eos --quiet"#
    let gone = try Run.shell(
      "{ \(line) -n 1000000000; echo \"status $?\" >&2; } | head -c 5", folder: Bottles.folder())
    #expect(gone.errorText == "status 0\n" && gone.output.count == 5)
    let full = try Run.shell(line + " -n 10 >/dev/full", folder: Bottles.folder())
    full.expectRefusal(1, "standard output: cannot be written: No space left on device")
    let closed = try Run.shell(line + " -n 10 >&-", folder: Bottles.folder())
    closed.expectRefusal(1, "standard output: cannot be written: Bad file descriptor")
    let silent = try Run.shell(line.replacing("--quiet", with: "") + " -n 10 2>&-", folder: Bottles.folder())
    #expect(silent.status == 0 && !silent.output.isEmpty)
  }

  @Test(arguments: [("INT", 130), ("TERM", 143)] as [(String, Int32)])
  func signalsEndIt(_ signal: String, _ status: Int32) throws {
    let run = try Run.shell(
      #"""
      "$minigpt" sample char.safetensors --seed 3 --ignore-eos -n 1000000000 >out.\#(signal) & pid=$!
      while ! [ -s out.\#(signal) ]; do sleep 0.01; done
      kill -\#(signal) $pid; wait $pid
      """#, folder: Bottles.folder())
    #expect(run.status == status)
  }
}
