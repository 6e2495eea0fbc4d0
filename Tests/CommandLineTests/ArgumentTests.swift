import Testing

/// How flags are read, on the commands that have them.
@Suite struct ArgumentTests {
  private static let steps = "--steps needs a whole number from 1 to 1,000,000,000, not "

  @Test(arguments: [
    (["--steps", "1e12"], steps + "'1e12'"),
    (["--steps", "0x10"], steps + "'0x10'"),
    (["--steps", ""], steps + "''"),
    (["--steps", " 5"], steps + "' 5'"),
    (["--steps=+5"], steps + "'+5'"),
    (["--steps", "99999999999999999999"], steps + "'99999999999999999999'"),
    (["--steps", "-1"], steps + "'-1'"),
    (["--steps"], "--steps needs a whole number from 1 to 1,000,000,000, and nothing follows it"),
    (
      ["--steps", "--lines"],
      "--steps needs a whole number from 1 to 1,000,000,000, and the flag --lines follows it"
        + " (write --steps=--lines if you mean that)"
    ),
    (["--steps", "5", "--max_iters=6"], "--steps is given twice"),
    (["--lines=yes"], "--lines takes no value"),
    (["--lr", "nan"], "--lr needs a number above 0, at most 1e+30, not 'nan'"),
    (["--lr", "inf"], "--lr needs a number above 0, at most 1e+30, not 'inf'"),
    (["--dropout", "1"], "--dropout needs a number from 0, below 1, not '1'"),
    (["--schedule", "sine"], "--schedule needs cosine, linear, constant, inverse-sqrt or plateau, not 'sine'"),
    (["--budget", "10"], "--budget needs a time such as 90s, 10m or 1h, not '10'"),
    (["--budget", "0.5s"], "--budget needs a time such as 90s, 10m or 1h, not '0.5s'"),
    (["--budget", "10m", "--steps", "5"], "--budget and --steps both say how long to train: give one"),
    (["--budget", "10m", "--preset", "nanogpt"], "--budget and --preset both choose sizes: give one"),
    (
      ["--budget", "10m", "--resume"], "--budget sizes a run at its start: --resume goes on with --steps N"
    ),
    (["--stepz", "3"], "unknown flag --stepz; the nearest is --steps (minigpt train --help lists them)"),
    (["-z"], "unknown flag -z (minigpt train --help lists them)"),
    (["--heads", "3", "--embd", "16"], "--embd must be a multiple of --heads, and 16 is none of 3"),
    (["--resume", "--overwrite"], "--resume and --overwrite contradict each other"),
    (["--tokenizer", "char", "--vocab-size", "300"], "--vocab-size is for bpe: a char vocabulary has its own size"),
    (["--vocab-size", "1"], "--vocab-size needs a whole number from 257 to 4,194,304, not '1'"),
  ])
  func trainRefuses(_ flags: [String], _ message: String) throws {
    try Run(["train", "corpus.txt"] + flags).expectRefusal(2, message)
  }

  @Test func sampleRefuses() throws {
    try Run(["sample", "--temp", "-1"]).expectRefusal(2, "--temp needs a number from 0 to 100, not '-1'")
    try Run(["sample", "-t", "-1"]).expectRefusal(2, "--temp needs a number from 0 to 100, not '-1'")
    try Run(["sample", "-n5x"]).expectRefusal(
      2, "--max-new-tokens needs a whole number from 1 to 1,000,000,000, not '5x'")
    try Run(["sample", "--max-new", "5"]).expectRefusal(
      2, "unknown flag --max-new; the nearest is --max-new-tokens (minigpt sample --help lists them)")
    try Run(["sample", "a", "b"]).expectRefusal(
      2,
      "'b' is one argument too many: sample takes at most 1; a text to continue stands behind --prompt (minigpt sample --help)"
    )
    try Run(["sample", "a", "--model", "b"]).expectRefusal(2, "the model is given twice: as 'a' and by --model")
    try Run(["train"]).expectRefusal(
      2, "train needs a CORPUS: one or more text files, or a file of ids (minigpt train --help)")
    try Run(["tokenizer"]).expectRefusal(
      2, "tokenizer needs train, encode, decode or show behind it (minigpt tokenizer --help)")
    try Run(["tokenizer", "shew"]).expectRefusal(
      2, "there is no command 'tokenizer shew'; the nearest is tokenizer show (minigpt --help lists them)")
  }

  @Test func wordsBehindTwoDashesAreNoFlags() throws {
    try Run(["train", "--", "--steps"]).expectRefusal(
      1, "--steps: cannot be opened: No such file or directory")
  }

  /// A word processor's dash, and a name with blanks; a text may begin with a dash all the same.
  @Test func slipsAreNamed() throws {
    let scratch = try Scratch()
    try scratch.write("My Novel.txt", "abc")
    func refuse(_ words: [String], _ message: String) throws {
      try Run(words, folder: scratch.folder).expectRefusal(2, message)
    }
    try refuse(["train", "a", "\u{2014}steps", "3"], "'\u{2014}steps' begins with a long dash: did you mean --steps?")
    try refuse(
      ["sample", "\u{2013}max_new_tokens=3"],
      "'\u{2013}max_new_tokens=3' begins with a long dash: did you mean --max-new-tokens?")
    try refuse(["train", "My", "Novel.txt"], "a name with blanks needs quotation marks: 'My Novel.txt'")
    try refuse(["eval", "My", "Novel.txt"], "a name with blanks needs quotation marks: 'My Novel.txt'")
    let said = try Run(["translate", "\u{2014} Hola"], folder: scratch.folder)
    #expect(said.errorText.hasPrefix("minigpt: no translator in checkpoints"))
  }

  @Test func namesThatAreNoTextStayBytes() throws {
    let scratch = try Scratch()
    let run = try Run.shell(
      #"name=$(printf 'a\377b'); printf 'hello' > "$name"; "$minigpt" eval "$name""#, folder: scratch.folder)
    // The corpus was found by its bytes: what is missing is the model.
    #expect(run.errorText.hasPrefix("minigpt: no model in checkpoints"))
    #expect(run.status == 1)
  }

  @Test func aConfigurationFileIsReadLikeFlags() throws {
    let scratch = try Scratch()
    func refusal(_ text: String, _ status: Int32, _ message: String, _ flags: [String] = []) throws {
      let name = try scratch.write("flags.json", text)
      try Run(["train", "none.txt", "--config", name] + flags).expectRefusal(
        status, message.replacing("FILE", with: name))
    }
    let missing = "none.txt: cannot be opened: No such file or directory"
    try refusal(#"{"max_iters": 5, "lr": 1e-3, "lines": true, "tokenizer": "char"}"#, 1, missing)
    try refusal(#"{"steps": 0}"#, 1, missing, ["--steps", "5"])
    try refusal(#"{"steps": 0}"#, 1, "FILE: " + Self.steps + "'0'")
    try refusal(
      #"{"stepz": 5}"#, 1,
      "FILE: unknown key 'stepz'; the nearest is 'steps' (minigpt train --help lists the flags)")
    try refusal(#"{"steps": 5, "max-iters": 6}"#, 1, "FILE: 'max-iters' is given twice")
    try refusal(#"{"lines": 1}"#, 1, "FILE: 'lines' needs no value, not an integer")
    try refusal(#"{"heads": 3, "embd": 16}"#, 2, "--embd must be a multiple of --heads, and 16 is none of 3")
    try Run(["train", "x", "--config"]).expectRefusal(
      2, "--config needs the name of a file, and nothing follows it")
  }

  @Test(arguments: ["train", "sample", "repl", "eval", "info", "tokenizer train", "tokenizer encode", "tokenizer show"])
  func helpFitsAndTellsEveryDefault(_ command: String) throws {
    for width in [40, 60, 80] {
      let run = try Run(
        command.split(separator: " ").map(String.init) + ["--help"], environment: ["COLUMNS": "\(width)"])
      #expect(run.status == 0 && run.errorText == "")
      for line in run.outputText.split(separator: "\n") where line.count > width {
        // Only a word that is longer than the line may stick out.
        #expect(line.split(separator: " ").count == 1, "\(width): \(line)")
      }
      if width == 80 {
        let flags = run.outputText.split(separator: "\n").filter { $0.hasPrefix("  --") && $0.contains(" N ") }
        #expect(flags.isEmpty || run.outputText.contains("(default: "))
      }
    }
  }

  @Test func anInstructionSetThatIsNotThereIsNamed() throws {
    let scratch = try Scratch()
    let text = try scratch.write("text.txt", String(repeating: "to be or not to be\n", count: 50))
    let run = try Run(["train", text], folder: scratch.folder, environment: ["MINIGPT_ISA": "z80"])
    #expect(run.status == 2)
    #expect(run.errorText.hasPrefix("minigpt: MINIGPT_ISA=z80: this processor has portable"))
  }
}
