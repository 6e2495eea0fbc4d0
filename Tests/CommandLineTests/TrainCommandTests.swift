import Foundation
import Testing

/// `train`, and the commands that use what it leaves.
@Suite struct TrainCommandTests {
  private static let flags = [
    "--tokenizer", "char", "--layers", "1", "--heads", "2", "--embd", "16", "--context", "16", "--batch-size", "2",
    "--steps", "40", "--eval-every", "10", "--log-every", "5", "--dropout", "0.1", "--seed", "7",
  ]

  private func corpus() throws -> Scratch {
    let scratch = try Scratch()
    let text = (0..<120).map { "\($0) green bottles, hanging on the wall;\n" }.joined()
    try scratch.write("bottles.txt", text)
    return scratch
  }

  private func train(_ scratch: Scratch, _ more: [String] = [], _ flags: [String] = flags) throws -> Run {
    try Run(["train", "bottles.txt"] + flags + more, folder: scratch.folder)
  }

  /// The log without what a clock had a hand in.
  private func log(_ scratch: Scratch, _ name: String) throws -> [NSDictionary] {
    try String(decoding: scratch.read(name), as: UTF8.self).split(separator: "\n").map { line in
      var record = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      #expect(record.removeValue(forKey: "seconds") is Double)
      #expect(record.removeValue(forKey: "tokens_per_s") is Double)
      return record as NSDictionary
    }
  }

  @Test func saysWhatItDoesAndHowToRepeatIt() throws {
    let scratch = try corpus()
    let run = try train(scratch)
    #expect(run.status == 0)
    let lines = run.errorText.split(separator: "\n").map(String.init)
    for name in ["corpus", "tokens", "vocabulary", "model", "memory", "steps", "time", "seed"] {
      #expect(lines.contains { $0.hasPrefix(name + " ") }, "\(name)")
    }
    #expect(lines.filter { $0.contains(": validation loss ") && $0.hasPrefix("step ") }.count == 4)
    #expect(!run.errorText.contains("\u{1B}") && !run.errorText.contains("\r"))
    #expect(!run.output.isEmpty)
    // The printed command gives the same bytes.
    let again = try #require(lines.first { $0.hasPrefix("again: minigpt ") }?.dropFirst("again: minigpt ".count))
    let repeated = try Run.shell(#""$minigpt" \#(again) --out again.safetensors --quiet"#, folder: scratch.folder)
    #expect(repeated.status == 0 && repeated.errorText == "" && repeated.outputText == "")
    #expect(try scratch.read("again.safetensors") == scratch.read("checkpoints/bottles.safetensors"))
    #expect(try log(scratch, "again.log.jsonl") == log(scratch, "checkpoints/bottles.log.jsonl"))
    // So does the one that info prints.
    let told = try Run(["info", "again.safetensors", "--command"], folder: scratch.folder).outputText
      .replacing("minigpt train CORPUS", with: "train bottles.txt").dropLast()
    let third = try Run.shell(#""$minigpt" \#(told) --out third.safetensors --quiet"#, folder: scratch.folder)
    #expect(third.status == 0 && third.errorText == "")
    #expect(try scratch.read("third.safetensors") == scratch.read("again.safetensors"))
  }

  /// The line that repeats a run names the passes, and gives the same bytes; a resumed run may have more of them.
  @Test func passesDecideTheSteps() throws {
    let scratch = try corpus()
    let flags = Self.flags.filter { $0 != "--steps" && $0 != "40" }
    let run = try train(scratch, ["--epochs", "0.5", "--out", "a.safetensors"], flags)
    #expect(run.status == 0)
    let again = try #require(
      run.errorText.split(separator: "\n").first { $0.hasPrefix("again: minigpt ") }?.dropFirst("again: minigpt ".count)
    )
    #expect(again.contains(" --epochs 0.5 ") && !again.contains("--steps") && again.contains(" --warmup 6 "))
    let line = again.replacing("--out a.safetensors", with: "--out b.safetensors --quiet")
    #expect(try Run.shell(#""$minigpt" \#(line)"#, folder: scratch.folder).status == 0)
    #expect(try scratch.read("a.safetensors") == scratch.read("b.safetensors"))
    let info = try Run(["info", "a.safetensors"], folder: scratch.folder).outputText
    #expect(info.contains("trained        66 of 66 steps"))
    let more = try Run(
      ["train", "bottles.txt", "--out", "a.safetensors", "--resume", "--epochs", "0.6"], folder: scratch.folder)
    #expect(more.status == 0 && more.errorText.contains("resumed at step 66"))
    #expect(try Run(["info", "a.safetensors"], folder: scratch.folder).outputText.contains("80 of 80 steps"))
    try train(scratch, ["--epochs", "2"]).expectRefusal(
      2, "--steps and --epochs both say how long to train: give one")
    try train(scratch, ["--epochs", "0"], flags).expectRefusal(
      2, "--epochs needs a number above 0, at most 1,000,000,000, not '0'")
  }

  /// Where counting is better than the model, a run says so.
  @Test func saysWhereCountingIsBetter() throws {
    let scratch = try corpus(), run = try train(scratch)
    let line = try #require(run.errorText.split(separator: "\n").first { $0.hasPrefix("counting is better") })
    #expect(line.contains(" bits per byte by n-grams of order ") && line.hasSuffix(" by the model"))
  }

  /// Fine-tuning on a text begins with the loss that the model has on it, in its shape and with its tokenizer.
  @Test func goesOnFromAnotherModel() throws {
    let scratch = try corpus()
    #expect(try train(scratch, ["--quiet", "--out", "a.safetensors"]).status == 0)
    let text = (0..<90).map { "\($0) bottles hanging, green on the wall;\n" }.joined()
    try scratch.write("second.txt", text)
    func tune(_ more: [String]) throws -> Run {
      try Run(
        ["train", "second.txt", "--init", "a.safetensors", "--steps", "3", "--seed", "5", "--val", "second.txt"] + more,
        folder: scratch.folder)
    }
    let flags = [
      "--out", "b.safetensors", "--eval-every", "1", "--lr", "1e-30", "--min-lr", "0", "--weight-decay", "0",
      "--precision", "fp32",  // as `eval` computes
    ]
    let run = try tune(flags)
    #expect(run.status == 0 && run.errorText.contains("begins      with the weights of a.safetensors\n"))
    let before = try Run(["eval", "a.safetensors", "second.txt", "--json"], folder: scratch.folder).output
    let record = try #require(try JSONSerialization.jsonObject(with: Data(before)) as? [String: Any])
    let first = try #require(try log(scratch, "b.log.jsonl").first { $0["val_loss"] != nil })
    #expect(record["loss"] as? Double == first["val_loss"] as? Double && record["loss"] is Double)
    // The line that repeats it says nothing of the model that is there, and gives the same bytes.
    let again = try #require(
      run.errorText.split(separator: "\n").first { $0.hasPrefix("again: minigpt ") }?.dropFirst("again: minigpt ".count)
    )
    #expect(again.contains(" --init a.safetensors ") && !again.contains("--layers") && !again.contains("--tokenizer"))
    let line = again.replacing("--out b.safetensors", with: "--out c.safetensors --quiet")
    #expect(try Run.shell(#""$minigpt" \#(line)"#, folder: scratch.folder).status == 0)
    #expect(try scratch.read("b.safetensors") == scratch.read("c.safetensors"))
    let told = try Run(["info", "b.safetensors", "--command"], folder: scratch.folder).outputText
    #expect(told.contains(" --init MODEL ") && !told.contains("--layers"))
    #expect(try tune(["--preset", "nanogpt", "--out", "d.safetensors", "--context", "16", "--quiet"]).status == 0)
  }

  @Test func aModelToBeginWithIsNotContradicted() throws {
    let scratch = try corpus()
    #expect(try train(scratch, ["--quiet", "--out", "a.safetensors"]).status == 0)
    func refuse(_ more: [String], _ status: Int32, _ message: String) throws {
      try Run(
        ["train", "bottles.txt", "--init", "a.safetensors", "--out", "b.safetensors"] + more, folder: scratch.folder
      )
      .expectRefusal(status, message)
    }
    try refuse(["--layers", "2"], 1, "a.safetensors: cannot be begun with: its layers is 1, but 2 is given")
    try refuse(["--heads", "3"], 1, "a.safetensors: cannot be begun with: its heads is 2, but 3 is given")
    try refuse(
      ["--tokenizer", "byte"], 1, "a.safetensors: cannot be begun with: its tokenizer is char, but byte is given")
    try refuse(["--resume"], 2, "--resume goes on with its own weights, so --init has no place")
    try scratch.write("new.txt", String(repeating: "QQQQ green bottles, hanging on the wall;\n", count: 40))
    try Run(["train", "new.txt", "--init", "a.safetensors"], folder: scratch.folder).expectRefusal(
      1, "new.txt: 'Q' (U+0051) at byte 0 never occurred in the training text")
    var bytes = try scratch.read("a.safetensors")
    let data = 8 + bytes.prefix(8).enumerated().reduce(0) { $0 + Int($1.element) << (8 * $1.offset) }
    bytes[data + 5] ^= 4
    try scratch.write("a.safetensors", bytes)
    let broken = try Run(
      ["train", "bottles.txt", "--init", "a.safetensors", "--out", "b.safetensors"], folder: scratch.folder)
    #expect(broken.status == 1 && broken.errorText.contains("checksum"))
    #expect(throws: (any Error).self) { try scratch.read("b.safetensors") }
  }

  @Test func overwritesNothing() throws {
    let scratch = try corpus()
    #expect(try train(scratch, ["--quiet"]).status == 0)
    let before = try scratch.read("checkpoints/bottles.safetensors")
    try train(scratch).expectRefusal(
      1,
      "checkpoints/bottles.safetensors: is there already; --resume goes on with it, --overwrite replaces it, another"
        + " --out leaves it alone")
    #expect(try scratch.read("checkpoints/bottles.safetensors") == before)
    #expect(try train(scratch, ["--overwrite", "--quiet"]).status == 0)
    #expect(try scratch.read("checkpoints/bottles.safetensors") == before)
  }

  /// What a run that comes to nothing finds is whole behind it; where nothing was, nothing is in the way of the next.
  @Test func losesNothingToARunThatFails() throws {
    let scratch = try corpus(), older = ["--arch", "gpt2", "--optimizer", "adamw", "--order", "windows"]
    let bad = older + ["--quiet", "--lr", "1e20", "--warmup", "0", "--schedule", "constant"]
    func files() throws -> [String: [UInt8]] {
      let names = try FileManager.default.contentsOfDirectory(atPath: scratch.path("checkpoints"))
      return try [String: [UInt8]](uniqueKeysWithValues: names.map { ($0, try scratch.read("checkpoints/" + $0)) })
    }
    try train(scratch, bad).expectRefusal(
      1, "step 2: the loss is not finite; the step is not taken, and nothing is left of the run (try a lower --lr)")
    #expect(try files().isEmpty)
    #expect(try train(scratch, ["--quiet"]).status == 0)
    let before = try files()
    try train(scratch, bad + ["--overwrite"]).expectRefusal(
      1, "step 2: the loss is not finite; the step is not taken, and what was there is as it was (try a lower --lr)")
    #expect(try files() == before)
    // The log of the run that takes its place is its own from the first line on.
    #expect(try train(scratch, ["--quiet", "--overwrite"]).status == 0)
    #expect(
      try log(scratch, "checkpoints/bottles.log.jsonl").compactMap { $0["step"] as? Int }
        == Array(stride(from: 5, through: 40, by: 5)))
  }

  /// Neither a file that is read, nor what another run left, nor a file that is no log.
  @Test func losesNoFile() throws {
    let scratch = try corpus(), text = try scratch.read("bottles.txt")
    let read = "cannot be written, since it is being read; another name leaves it alone"
    try train(scratch, ["--out", "g.safetensors", "--log", "bottles.txt"]).expectRefusal(1, "bottles.txt: " + read)
    try train(scratch, ["--out", "bottles.txt", "--overwrite"]).expectRefusal(1, "bottles.txt: " + read)
    #expect(try train(scratch, ["--quiet", "--out", "b.safetensors"]).status == 0)
    let kept = try ["b.best.safetensors", "b.log.jsonl"].map { try scratch.read($0) }
    try Run(["eval", "b.safetensors", "bottles.txt", "--logits", "b.safetensors"], folder: scratch.folder)
      .expectRefusal(1, "b.safetensors: " + read)
    try FileManager.default.removeItem(atPath: scratch.path("b.safetensors"))
    try train(scratch, ["--out", "b.safetensors"]).expectRefusal(
      1,
      "b.best.safetensors: is there already; --init begins with it, --overwrite replaces it, another --out leaves it"
        + " alone")
    #expect(try ["b.best.safetensors", "b.log.jsonl"].map { try scratch.read($0) } == kept)
    try scratch.write("notes.txt", "milk\n")
    try train(scratch, ["--out", "c.safetensors", "--log", "notes.txt", "--overwrite"]).expectRefusal(
      1, "notes.txt: is there and is no log of a training; another --log leaves it alone")
    let long = String(repeating: "x", count: 240)
    try train(scratch, ["--out", long]).expectRefusal(
      1, "\(long).best.safetensors: cannot be created: File name too long")
    #expect(try scratch.read("bottles.txt") == text && scratch.read("notes.txt") == Array("milk\n".utf8))
  }

  /// Of two that write one name, one wins and the other says so.
  @Test func aNameHasOneOwner() throws {
    let scratch = try corpus()
    let long = Self.flags.map { $0 == "40" ? "1000000" : $0 }.joined(separator: " ")
    let both = try Run.shell(
      #"""
      "$minigpt" train bottles.txt --out a.safetensors --quiet \#(long) & pid=$!
      while ! [ -s a.log.jsonl ]; do sleep 0.01; done
      "$minigpt" train bottles.txt --out a.safetensors --overwrite --steps 1
      "$minigpt" export a.best.safetensors --to safetensors --out ./a.safetensors --overwrite
      kill -KILL $pid; wait $pid
      "$minigpt" train bottles.txt --out a.safetensors --resume --steps 1000001 --quiet & pid=$!
      sleep 0.3; kill -INT $pid; wait $pid
      """#, folder: scratch.folder)
    let refused = "another minigpt is writing there; wait for it, or give another name"
    #expect(both.errorText.components(separatedBy: refused).count == 3, "\(both.errorText)")
    #expect(both.status == 130)
    _ = try log(scratch, "a.log.jsonl")
  }

  @Test(arguments: [("INT", 130), ("TERM", 143), ("HUP", 129)] as [(String, Int32)])
  func aRunThatWasStoppedAndResumedLeavesTheSameBytes(_ signal: String, _ status: Int32) throws {
    let scratch = try corpus()
    let long = Self.flags.map { $0 == "40" ? "3000" : $0 == "10" ? "500" : $0 }
    #expect(try train(scratch, ["--quiet", "--out", "a.safetensors"], long).status == 0)
    let line = (["train", "bottles.txt", "--out", "b.safetensors"] + long).joined(separator: " ")
    let stopped = try Run.shell(
      #"""
      "$minigpt" \#(line) & pid=$!
      while ! [ -s b.log.jsonl ]; do sleep 0.01; done
      kill -\#(signal) $pid; wait $pid
      """#, folder: scratch.folder)
    #expect(stopped.status == status)
    #expect(stopped.errorText.contains("--resume --out b.safetensors goes on there"))
    let resumed = try Run(
      ["train", "bottles.txt", "--out", "b.safetensors", "--resume", "--quiet", "--log-every", "5"],
      folder: scratch.folder)
    #expect(resumed.status == 0 && resumed.errorText == "")
    #expect(try scratch.read("a.safetensors") == scratch.read("b.safetensors"))
    #expect(try scratch.read("a.best.safetensors") == scratch.read("b.best.safetensors"))
    #expect(try log(scratch, "a.log.jsonl") == log(scratch, "b.log.jsonl"))
  }

  /// What is unusual about a shape, in its blocks and beside them, is taken over without a flag.
  @Test func anUnusualShapeGoesOn() throws {
    let scratch = try corpus()
    let parts = ["--arch", "qwen3", "--tied", "off", "--rope-scaling", "linear", "--rope-factor", "2"]
    #expect(try train(scratch, ["--quiet", "--out", "a.safetensors"] + parts).status == 0)
    for more in [
      ["--resume", "--steps", "41", "--out", "a.safetensors"],
      ["--init", "a.safetensors", "--steps", "1", "--out", "b.safetensors"],
    ] {
      #expect(try Run(["train", "bottles.txt", "--quiet"] + more, folder: scratch.folder).status == 0)
    }
    let info = try Run(["info", "b.safetensors"], folder: scratch.folder).outputText
      .split(whereSeparator: \.isWhitespace).joined(separator: " ")
    for row in ["tied false", "rotary factor 2.0", "qk-norm true"] {
      #expect(info.contains(row), "\(info)")
    }
  }

  @Test func aResumeThatContradictsNamesBothValues() throws {
    let scratch = try corpus()
    #expect(try train(scratch, ["--quiet", "--out", "a.safetensors"]).status == 0)
    func resume(_ more: [String], _ message: String) throws {
      try Run(["train", "bottles.txt", "--out", "a.safetensors", "--resume"] + more, folder: scratch.folder)
        .expectRefusal(
          1,
          "a.safetensors: cannot be resumed: its \(message); --init a.safetensors begins a new training with its weights,"
            + " to another --out")
    }
    try resume(["--layers", "2"], "layers is 1, but 2 is given")
    try resume(["--tokenizer", "byte"], "tokenizer is char, but byte is given")
    try resume(["--seed", "8"], "seed is 7, but 8 is given")
    try scratch.write("other.txt", String(repeating: "0123 green bottles, hanging on the wall;\n", count: 40))
    let other = try Run(["train", "other.txt", "--out", "a.safetensors", "--resume"], folder: scratch.folder)
    #expect(other.status == 1 && other.errorText.contains("its corpus is another text, but other.txt is given; --init"))
  }

  @Test func aLossThatIsNoNumberNamesTheStep() throws {
    let scratch = try corpus()
    let flags = Self.flags + ["--lr", "1e30", "--grad-clip", "1e30", "--warmup", "0", "--schedule", "constant"]
    let run = try train(scratch, ["--quiet"], flags)
    #expect(run.status == 1)
    #expect(run.errorText.wholeMatch(of: /minigpt: step \d+: the .* is not finite; .*\n/) != nil)
  }

  @Test func corporaThatCannotBeLearnedAreNamed() throws {
    let scratch = try Scratch()
    func refusal(_ name: String, _ bytes: [UInt8], _ message: String) throws {
      try scratch.write(name, bytes)
      try Run(["train", name, "--tokenizer", "char", "--context", "8"], folder: scratch.folder)
        .expectRefusal(1, message)
    }
    try refusal("empty.txt", [], "empty.txt: empty: there is nothing to learn from")
    try refusal(
      "one.txt", [0x61],
      "one.txt: too short: 0 tokens to learn from, but a context of 8 needs at least 9")
    try refusal(
      "broken.txt", Array(repeating: 0x61, count: 100) + [0xFF],
      "broken.txt: not UTF-8 text: the byte at offset 100 is not part of a character")
    try Run(["train", "."], folder: scratch.folder).expectRefusal(1, ".: expected a file, found a folder")
    try scratch.write("good.txt", String(repeating: "to be or not to be\n", count: 50))
    let nowhere = try Run(["train", "good.txt", "--out", "nowhere/m.safetensors"], folder: scratch.folder)
    #expect(nowhere.status == 1 && nowhere.errorText.hasPrefix("minigpt: nowhere: "))
  }

  @Test func theModelSpeaks() throws {
    let scratch = try corpus()
    #expect(try train(scratch, ["--quiet"]).status == 0)
    func run(_ arguments: String..., input: String = "") throws -> Run {
      try Run(arguments, input: Array(input.utf8), folder: scratch.folder)
    }
    let first = try run("sample", "-n", "20", "--seed", "3", "--prompt", "1 green")
    #expect(first.status == 0 && first.outputText.hasPrefix("1 green") && first.outputText.hasSuffix("\n"))
    #expect(first.errorText.hasPrefix("model: checkpoints/bottles.best.safetensors\nseed: 3\n"))
    #expect(try run("generate", "-n20", "--seed=3", "--prompt", "1 green", "--threads", "1").output == first.output)
    #expect(try run("sample", "-n", "20", "--seed", "3", "--prompt-file", "-", input: "1 green").output == first.output)
    #expect(try run("sample", "-n", "20", "--seed", "3", "--prompt", "1 green", "--quiet").errorText == "")
    let greedy = try run("sample", "--greedy", "-n", "12", "--prompt", "1")
    #expect(try run("sample", "--temp", "0", "-n", "12", "--prompt", "1").output == greedy.output)
    #expect(!greedy.errorText.contains("seed"))
    let records = try run("sample", "--json", "--num-samples", "2", "-n", "5", "--ignore-eos", "--seed", "3")
    let lines = records.outputText.split(separator: "\n")
    #expect(lines.count == 2)
    for line in lines {
      let record = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      #expect(Set(record.keys) == ["text", "prompt", "tokens", "tokens_per_s", "seed"])
      #expect(record["tokens"] as? Int == 5 && record["seed"] as? Int == 3)
    }
    try run("sample", "--prompt", "\u{E9}", "--quiet").expectRefusal(
      1, "'\u{E9}' (U+00E9) at byte 0 never occurred in the training text")
    let talk = try run("repl", "--seed", "3", "-n", "5", "--ignore-eos", "--quiet", input: "1 green\n2 green\n")
    #expect(talk.status == 0 && talk.errorText == "" && !talk.output.isEmpty)
    #expect(
      try Run.shell(#"printf '1 green\n' | "$minigpt" 2>/dev/null | wc -c"#, folder: scratch.folder).status == 0)
  }

  @Test func theModelIsMeasuredAndShown() throws {
    let scratch = try corpus()
    #expect(try train(scratch, ["--quiet", "--out", "a.safetensors", "--precision", "fp32"]).status == 0)
    let text = try scratch.read("bottles.txt")
    let kept = text.count - Int(Double(text.count) * 0.1)
    try scratch.write("held.txt", Array(text[kept...]))
    let run = try Run(["eval", "a.safetensors", "held.txt", "--json"], folder: scratch.folder)
    let record = try #require(try JSONSerialization.jsonObject(with: Data(run.output)) as? [String: Any])
    let last = try #require(try log(scratch, "a.log.jsonl").last)
    // Training's validation is the same function on the same text.
    #expect(record["loss"] as? Double == last["val_loss"] as? Double && record["loss"] is Double)
    #expect(record["bits_per_byte"] as? Double == last["val_bits_per_byte"] as? Double)
    #expect(record["tokens"] as? Int == text.count - kept - 1)
    let info = try Run(["info", "a.safetensors", "--verify"], folder: scratch.folder)
    #expect(info.outputText.contains("trained        40 of 40 steps") && info.outputText.contains("\nverified: "))
    var bytes = try scratch.read("a.safetensors")
    bytes[bytes.count - 5] ^= 4
    try scratch.write("bad.safetensors", bytes)
    let bad = try Run(["info", "bad.safetensors", "--verify"], folder: scratch.folder)
    #expect(bad.status == 1 && bad.errorText.hasPrefix("minigpt: bad.safetensors: "))
    #expect(bad.errorText.split(separator: "\n").count == 1)
  }

  @Test func withoutAModelItSaysHowToGetOne() throws {
    for command in [["sample"], ["repl"], [], ["info"]] {
      try Run(command).expectRefusal(
        1, "no model in checkpoints: make one with minigpt train YOUR.txt, or name one with --model FILE")
    }
    // The file of the README, and a model beside the folder.
    let scratch = try Scratch()
    for name in ["corpora", "checkpoints"] {
      try FileManager.default.createDirectory(atPath: scratch.path(name), withIntermediateDirectories: true)
    }
    try scratch.write("corpora/shakespeare.txt", "to be")
    try scratch.write("my model.safetensors", "")
    try Run(["sample"], folder: scratch.folder).expectRefusal(
      1,
      "no model in checkpoints: make one with minigpt train corpora/shakespeare.txt, or name one with --model"
        + " 'my model.safetensors'")
  }

  @Test func aFolderOfModelsNamesThem() throws {
    let scratch = try Scratch()
    for name in ["b.safetensors", "a.safetensors", "a.best.safetensors", "a.step-5.safetensors"] {
      try scratch.write(name, "")
    }
    try Run(["sample", "--model", scratch.folder]).expectRefusal(
      1,
      "\(scratch.folder): a folder, and one of its models is wanted: \(scratch.path("a.best.safetensors")), "
        + scratch.path("b.safetensors"))
  }
}
