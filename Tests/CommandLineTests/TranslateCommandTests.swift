import Foundation
import MiniGPTTestSupport
import Testing

/// `train --pairs`, and the commands that use what it leaves.
@Suite struct TranslateCommandTests {
  private static let english = [
    "a cat", "a dog", "a red cat", "a red dog", "the cat sleeps", "the dog sleeps", "the cat runs", "the red dog runs",
  ]
  private static let spanish = [
    "un gato", "un perro", "un gato rojo", "un perro rojo", "el gato duerme", "el perro duerme", "el gato corre",
    "el perro rojo corre",
  ]

  private static let flags = [
    "--pairs", "pairs.tsv", "--valid-pairs", "pairs.tsv", "--vocab-size", "300", "--layers", "1", "--heads", "2",
    "--embd", "32", "--ffn", "64", "--context", "24", "--norm", "pre", "--dropout", "0", "--label-smoothing", "0",
    "--batch-tokens", "60", "--lr", "1e-2", "--warmup", "10", "--schedule", "constant", "--eval-every", "40",
    "--log-every", "20", "--seed", "3",
  ]

  private static let pairs = zip(english, spanish).map { "\($0)\t\($1)\n" }.joined()

  /// Learns the pairs by heart, once for all tests that only ask.
  private static let learnt = Result { () throws -> (scratch: Scratch, run: Run) in
    let scratch = try Scratch()
    try scratch.write("pairs.tsv", pairs)
    return (scratch, try Run(["train"] + flags + ["--steps", "160"], folder: scratch.folder))
  }

  private func ask(_ arguments: [String], input: String = "") throws -> Run {
    try Run(["translate"] + arguments, input: Array(input.utf8), folder: Self.learnt.get().scratch.folder)
  }

  private func object(_ line: some StringProtocol) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
  }

  /// Of the translator in `checkpoints`, which need not be named: all three parts, and each row a whole.
  @Test func attentionIsShown() throws {
    let (scratch, _) = try Self.learnt.get(), note = "model: checkpoints/pairs.best.safetensors\n"
    let cross = try Run(["attend", "a red cat", "--part", "cross", "--head", "2"], folder: scratch.folder)
    #expect(cross.status == 0 && cross.errorText == note)
    let lines = cross.outputText.split(separator: "\n")
    #expect(lines.first == "cross, layer 1, head 2" && lines.contains { $0.hasSuffix(" 0 (begins)") })
    let given = try Run(
      ["attend", "a red cat", "--target", "un gato", "--out", "a.svg"], folder: scratch.folder)
    #expect(given.status == 0 && given.errorText == note + "saved: a.svg\n")
    let rows = String(decoding: try scratch.read("a.svg"), as: UTF8.self).components(separatedBy: "data-shares=\"")
    let shares = rows.dropFirst().map { row in
      row.prefix { $0 != "\"" }.split(separator: " ").compactMap { Int($0) }
    }
    // Two heads each of encoder, decoder and cross-attention; rows of S sources or of T targets.
    let sources = shares[0].count, targets = shares.filter { $0.count != sources }.first?.count ?? sources
    #expect(shares.count == 2 * sources + 2 * targets + 2 * targets && sources > 3 && targets > 2)
    #expect(shares.allSatisfy { $0.reduce(0, +) == 10_000 })
  }

  // MARK: - train

  @Test func trainingSaysWhatItDoes() throws {
    let (scratch, run) = try Self.learnt.get()
    #expect(run.status == 0, "\(run.errorText)")
    let lines = run.errorText.split(separator: "\n").map(String.init)
    for name in ["pairs", "tokens", "vocabulary", "model", "memory", "steps", "time", "seed"] {
      #expect(lines.contains { $0.hasPrefix(name + " ") }, "\(name)")
    }
    #expect(lines.contains { $0.contains("8 to learn from, 8 held out") })
    #expect(lines.filter { $0.contains(": validation loss ") && $0.hasPrefix("step ") }.count == 4)
    #expect(lines.contains { $0.hasPrefix("  '") && $0.contains("' → '") })
    for name in ["safetensors", "best.safetensors", "log.jsonl"] {
      #expect(try !scratch.read("checkpoints/pairs.\(name)").isEmpty)
    }
  }

  /// The printed command gives the same bytes; so does the one of `info`, and a run in two parts.
  @Test func aRunCanBeRepeatedAndResumed() throws {
    let scratch = try Scratch()
    try scratch.write("pairs.tsv", Self.pairs)
    // Dropout, smoothing, two predictions of each pair, both directions, other cuts: all of this chance is resumed as well.
    let smoothing =
      Self.flags.joined(separator: " ").replacing("--dropout 0", with: "--dropout 0.1")
      .replacing("--label-smoothing 0", with: "--label-smoothing 0.1")
      .replacing("--eval-every 40", with: "--eval-every 20").split(separator: " ").map(String.init)
      + ["--consistency", "2", "--both-ways", "1", "--bpe-dropout", "0.2"]
    let run = try Run(
      ["train"] + smoothing + ["--steps", "60", "--average", "2", "--save-every", "20"], folder: scratch.folder)
    #expect(run.status == 0, "\(run.errorText)")
    let again = try #require(
      run.errorText.split(separator: "\n").first { $0.hasPrefix("again: minigpt ") }?.dropFirst(15))
    #expect(try Run.shell(#""$minigpt" \#(again) --out again.safetensors --quiet"#, folder: scratch.folder).status == 0)
    #expect(try scratch.read("again.safetensors") == scratch.read("checkpoints/pairs.safetensors"))
    #expect(try scratch.read("again.average.safetensors") == scratch.read("checkpoints/pairs.average.safetensors"))
    let told = try Run(["info", "again.safetensors", "--command"], folder: scratch.folder).outputText
      .replacing("VALID-PAIRS", with: "pairs.tsv").replacing("PAIRS", with: "pairs.tsv").dropFirst(8).dropLast()
    let third = try Run.shell(#""$minigpt" \#(told) --out third.safetensors --quiet"#, folder: scratch.folder)
    #expect(third.status == 0, "\(told) \(third.errorText)")
    #expect(try scratch.read("third.safetensors") == scratch.read("again.safetensors"))
    // The same in two parts: 20 steps, then the rest.
    let part = ["train"] + smoothing + ["--average", "2", "--save-every", "20", "--out", "part.safetensors"]
    #expect(try Run(part + ["--steps", "20"], folder: scratch.folder).status == 0)
    let resumed = try Run(
      ["train", "--pairs", "pairs.tsv", "--valid-pairs", "pairs.tsv", "--out", "part.safetensors", "--resume"]
        + ["--steps", "60"], folder: scratch.folder)
    #expect(resumed.status == 0, "\(resumed.errorText)")
    #expect(try scratch.read("part.average.safetensors") == scratch.read("again.average.safetensors"))
  }

  @Test func badPairsAreCountedAndNamed() throws {
    let scratch = try Scratch()
    let long = String(repeating: "word ", count: 10_000)
    let bad = "no tab\na\tb\tc\n\tx\nx\t  \n\(long)\tx\n"
    try scratch.write("pairs.tsv", Array((Self.pairs + bad).utf8) + [0xFF, 9, 65, 10])
    let flags = Self.flags.prefix(2) + Self.flags.dropFirst(4)
    let run = try Run(["train"] + flags + ["--steps", "2", "--val-fraction", "0"], folder: scratch.folder)
    #expect(run.status == 0, "\(run.errorText)")
    let lines = run.errorText.split(separator: "\n").map(String.init)
    #expect(
      lines.contains(
        "left out: 5 lines: 1 without a TAB, 1 with more than one TAB, 1 with an empty source, 1 with an empty target, "
          + "1 not UTF-8"))
    #expect(lines.contains("  pairs.tsv: line 9: no TAB: expected source TAB target"))
    #expect(lines.contains("left out: 1 line: 1 too long"))
    #expect(
      lines.contains { $0.hasPrefix("  pairs.tsv: line 13: too long: ") && $0.hasSuffix("the model has 24 places") })
    try scratch.write("plain.txt", "one\ntwo\n")
    try Run(["train", "--pairs", "plain.txt"], folder: scratch.folder).expectRefusal(
      1, "plain.txt: no line is a pair, source TAB target (plain.txt: line 1: no TAB: expected source TAB target)")
    // A language in each of two files is put together by what every system has.
    try scratch.write("a.en", "one\n")
    for command in [["train"], ["eval"]] {
      try Run(command + ["--pairs", "a.en", "--pairs", "plain.txt"], folder: scratch.folder).expectRefusal(
        1,
        "a.en, plain.txt: no line is a pair, source TAB target (a.en: line 1: no TAB: expected source TAB target);"
          + " paste a.en plain.txt > pairs.tsv joins their lines")
    }
    try scratch.write("good.tsv", Self.pairs)
    let hint = try Run(
      ["train", "good.tsv", "--tokenizer", "byte", "--steps", "1", "--layers", "1", "--heads", "1", "--embd", "8"]
        + ["--context", "8"], folder: scratch.folder)
    #expect(hint.errorText.contains("good.tsv looks like sentence pairs: minigpt train --pairs good.tsv"))
  }

  @Test func flagsThatContradictAreRefused() throws {
    try Run(["train"]).expectRefusal(
      2, "train needs a CORPUS: one or more text files, or a file of ids (minigpt train --help)")
    try Run(["train", "--pairs", "a", "b"]).expectRefusal(2, "--pairs takes the place of a CORPUS, and 'b' is one")
    try Run(["train", "--pairs", "a", "--lines"]).expectRefusal(
      2, "--lines is for texts, and --pairs are sentences")
    try Run(["train", "a", "--batch-tokens", "9"]).expectRefusal(
      2, "--batch-tokens is for translation: give --pairs FILE in place of a CORPUS")
    try Run(["train", "a", "--preset", "multi30k"]).expectRefusal(
      2, "--preset multi30k is for translation: give --pairs FILE")
    try Run(["train", "--pairs", "a", "--preset", "gpt2"]).expectRefusal(
      2, "--preset gpt2 is for texts, and --pairs are sentences")
    try Run(["train", "--pairs", "a", "--tokenizer", "char"]).expectRefusal(
      2, "--pairs need byte pairs: --tokenizer bpe, or the file of a translator")
    try Run(["translate", "--top", "3", "x"]).expectRefusal(
      2, "--top says what comes behind a --prefix: give one, '' for the first word")
    try Run(["translate", "--beam", "2", "--n-best", "3"]).expectRefusal(
      2, "--n-best 3 needs a --beam at least as wide, not 2")
    try Run(["translate", "x"]).expectRefusal(
      1,
      "no translator in checkpoints: make one with minigpt train --pairs YOUR.tsv, or name one with --model FILE")
  }

  // MARK: - translate

  @Test func everyLineGivesOneLine() throws {
    let lines = Self.english + ["", "  ", "zzz", String(repeating: "the cat ", count: 400), "the cat sleeps\r"]
    let run = try ask([], input: lines.joined(separator: "\n"))
    #expect(run.status == 0, "\(run.errorText)")
    let answers = run.outputText.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(answers.count == lines.count + 1 && answers.last == "")
    #expect(answers.prefix(8).map(String.init) == Self.spanish)
    #expect(answers[8] == "" && answers[9] == "" && answers[12] == "el gato duerme")
    #expect(run.errorText.contains("model: checkpoints/pairs.best.safetensors\n"))
    #expect(run.errorText.contains("sentence 12: "))
    // The same for any number of lines at a time, and of threads.
    for flags in [["--batch-size", "1"], ["--batch-size", "3", "--threads", "1"]] {
      #expect(try ask(flags, input: lines.joined(separator: "\n")).output == run.output)
    }
    #expect(try ask(["a cat", "the dog sleeps"]).outputText == "un gato\nel perro duerme\n")
    #expect(try ask([], input: "").outputText == "")
    #expect(try ask(["--beam", "1", "--quiet"], input: "a dog\n").errorText == "")
  }

  /// A name of no file is a sentence, and that is said; a dash is standard input; a translator alone is told what asks it.
  @Test func namesAndSentencesAreToldApart() throws {
    for name in ["nofile.txt", "pairs.best.safetensors", "a/b"] {
      let run = try ask([name, "a cat"])
      #expect(run.status == 0 && run.outputText.hasSuffix("\nun gato\n"))
      #expect(run.errorText.contains("'\(name)' is translated as a text: there is no file of that name\n"))
    }
    #expect(try !ask(["a cat", "on a/b", ".txt"]).errorText.contains("file"))
    #expect(try ask(["-"], input: "a cat\na dog\n").outputText == "un gato\nun perro\n")
    let model = "checkpoints/pairs.safetensors", folder = try Self.learnt.get().scratch.folder
    #expect(try ask([model, "-"], input: "a cat\n").outputText == "un gato\n")
    try Run([model], folder: folder).expectRefusal(
      2, "\(model) is a translator: minigpt translate \(model) 'a sentence' asks it")
    try Run(["train", model], folder: folder).expectRefusal(
      1, "\(model): is a model, and a CORPUS is wanted: minigpt train --pairs FILE --init \(model) begins with it")
  }

  @Test func recordsSayMore() throws {
    let record = try object(
      ask(["a red cat", "--json", "--alignment", "--n-best", "3"]).outputText.dropLast())
    #expect(record["source"] as? String == "a red cat" && record["translation"] as? String == "un gato rojo")
    let score = try #require(record["score"] as? Double), best = try #require(record["n_best"] as? [[String: Any]])
    #expect(score < 0 && score > -0.5 && best.count == 3)
    #expect(best[0]["translation"] as? String == "un gato rojo" && best[0]["score"] as? Double == score)
    let scores = best.compactMap { $0["score"] as? Double }
    #expect(scores == scores.sorted(by: >))
    let alignment = try #require(record["alignment"] as? [[String: Any]])
    #expect(alignment.compactMap { $0["target"] as? String } == ["un", "gato", "rojo"])
    #expect(alignment.allSatisfy { ["a", "red", "cat"].contains($0["source"] as? String ?? "") })
    let columns = try ask(["--scores", "--alignment", "a dog"]).outputText.dropLast().split(separator: "\t")
    #expect(columns.count == 3 && columns[1] == "un perro" && columns[2].contains("un←"))
    #expect(try ask(["--n-best", "2", "a dog"]).outputText.split(separator: "\n").count == 2)
    // Each of the best ones has an alignment of its own.
    let each = try ask(["--n-best", "2", "--alignment", "a dog"]).outputText.split(separator: "\n")
    #expect(each.count == 2)
    for line in each {
      let sides = line.split(separator: "\t"), words = sides[0].split(separator: " ")
      #expect(sides.count == 2 && sides[1].split(separator: " ").map { $0.prefix { $0 != "←" } } == words, "\(line)")
    }
    for one in best {
      let words = try #require(one["alignment"] as? [[String: Any]]).compactMap { $0["target"] as? String }
      #expect(words.joined(separator: " ") == one["translation"] as? String)
    }
  }

  #if os(Linux)
    @Test func aTerminalIsToldWhatIsWaitedFor() throws {
      let pseudo = try PseudoTerminal(), pipe = Pipe()
      let process = try pseudo.start(["translate"], folder: Self.learnt.get().scratch.folder, output: pipe)
      let ready = "type sentences, one a line; Ctrl-D ends\r\n"
      #expect(pseudo.type([], until: ready).hasSuffix(ready))
      // `translate` leaves the terminal as it is.
      _ = pseudo.type(Array("a cat\n".utf8) + [4], until: "a cat\r\n")
      process.waitUntilExit()
      #expect(String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self) == "un gato\n")
    }
  #endif

  @Test func aPrefixGoesOn() throws {
    let words = try ask(["the cat sleeps", "--prefix", "el gato ", "--top", "2"]).outputText.split(separator: "\n")
    #expect(words.count == 2 && words[0].hasSuffix("\tduerme"))
    let probability = try #require(Double(words[0].prefix { $0 != "\t" }))
    #expect(probability > 0.5 && probability <= 1)
    #expect(try ask(["the cat sleeps", "--prefix", "el gato"]).outputText == "el gato duerme\n")
    #expect(try ask(["the cat sleeps", "--prefix", "", "--top", "1", "--json"]).outputText.contains("\"el\""))
  }

  /// What needs a tokenizer takes a translator's, from a checkpoint or a folder; what needs the other model says so.
  @Test func itsTokenizerServesAlone() throws {
    let scratch = try Scratch(), learnt = try Self.learnt.get().scratch.path("checkpoints/pairs.safetensors")
    try FileManager.default.createSymbolicLink(atPath: scratch.path("m.safetensors"), withDestinationPath: learnt)
    func run(_ words: String..., input: String = "") throws -> Run {
      try Run(words, input: Array(input.utf8), folder: scratch.folder)
    }
    #expect(try run("export", "m.safetensors", "--to", "hf", "--out", "hf", "--quiet").status == 0)
    let ids = try run("tokenizer", "encode", "--tokenizer", "m.safetensors", input: "the red cat").outputText
    #expect(ids.split(separator: " ").count < 11 && ids.hasSuffix("\n"))
    for name in ["m.safetensors", "hf"] {
      #expect(try run("tokenizer", "encode", "--tokenizer", name, input: "the red cat").outputText == ids)
      #expect(try run("tokenizer", "decode", "--tokenizer", name, input: ids).outputText == "the red cat")
      #expect(try run("tokenizer", "show", "--tokenizer", name).outputText.hasPrefix("0\t</s>\tspecial\n"))
      #expect(try run("info", name).outputText.contains("translator, "))
      let wanted =
        ": a translator, where a language model is wanted: translate and eval --pairs FILE work with translators"
      try run("sample", "--model", name).expectFailure(name + wanted)
      try run("repl", "--model", name).expectFailure(name + wanted)
      try scratch.write("text.txt", "the red cat")
      try run("eval", name, "text.txt").expectFailure(name + wanted)
    }
    // Without a name, the newest model's.
    try FileManager.default.createDirectory(atPath: scratch.path("checkpoints"), withIntermediateDirectories: true)
    try FileManager.default.moveItem(
      atPath: scratch.path("m.safetensors"), toPath: scratch.path("checkpoints/m.safetensors"))
    let newest = try run("tokenizer", "encode", input: "the red cat")
    #expect(newest.outputText == ids && newest.errorText == "model: checkpoints/m.safetensors\n")
    let text = ["train", "text.txt", "--tokenizer", "byte", "--layers", "1", "--heads", "1", "--embd", "8"]
    #expect(
      try Run(
        text + ["--context", "4", "--steps", "1", "--val-fraction", "0", "--out", "gpt.safetensors", "--quiet"],
        folder: scratch.folder
      ).status == 0)
    try run("translate", "--model", "gpt.safetensors", "a cat").expectFailure(
      "gpt.safetensors: a language model, where a translator is wanted: sample, repl and eval FILE work with language"
        + " models")
  }

  /// The pairs that the training held out are had again: their loss is the one that it measured.
  @Test func theHeldOutPairsCanBeHad() throws {
    let scratch = try Scratch()
    let pairs = (0..<120).map { "the \($0) cats\tlos \($0) gatos\n" }.joined()
    try scratch.write("pairs.tsv", pairs)
    let flags = Self.flags.prefix(2) + Self.flags.dropFirst(4).map { $0 == "40" ? "6" : $0 }
    let run = try Run(["train"] + flags + ["--steps", "6", "--precision", "fp32", "--quiet"], folder: scratch.folder)
    #expect(run.status == 0, "\(run.errorText)")
    let log = try String(decoding: scratch.read("checkpoints/pairs.log.jsonl"), as: UTF8.self)
    let loss = try #require(try object(log.split(separator: "\n").last ?? "")["val_loss"] as? Double)
    func eval(_ more: String...) throws -> Run {
      try Run(["eval", "checkpoints/pairs.safetensors", "--quiet"] + more, folder: scratch.folder)
    }
    let record = try object(eval("--pairs", "pairs.tsv", "--held-out", "--json").outputText.dropLast())
    let count = try #require(record["pairs"] as? Int), found = try #require(record["loss"] as? Double)
    #expect((1..<40).contains(count) && abs(found - loss) < 1e-4, "\(found), \(loss)")
    try scratch.write("other.tsv", pairs + "a\tb\n")
    try eval("--pairs", "other.tsv", "--held-out").expectFailure(
      "checkpoints/pairs.safetensors: was trained on other pairs: --held-out needs the --pairs of its training, all and in"
        + " their order")
    let (own, _) = try Self.learnt.get()
    try Run(["eval", "--pairs", "pairs.tsv", "--held-out", "--quiet"], folder: own.folder).expectFailure(
      "checkpoints/pairs.best.safetensors: its training held out a file of its own: name it with --pairs, without"
        + " --held-out")
    try Run(["eval", "a.txt", "--held-out"]).expectRefusal(2, "--held-out is for --pairs, and a FILE is a text")
  }

  @Test func referencesGiveBLEU() throws {
    let scratch = try Self.learnt.get().scratch
    try scratch.write("reference", Self.spanish.joined(separator: "\n"))
    let run = try ask(["--reference", "reference", "--quiet"], input: Self.english.joined(separator: "\n"))
    #expect(run.errorText.hasPrefix("BLEU|nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0 = 100.00 "))
    try ask(["--reference", "reference", "--quiet", "a cat"]).expectFailure(
      "reference: more lines than the 1 sentence to translate")
    let more = Self.english + ["a cat"]
    try ask(["--reference", "reference", "--quiet"], input: more.joined(separator: "\n")).expectFailure(
      "reference: 8 lines, fewer than the sentences to translate")
    let eval = try Run(["eval", "--pairs", "pairs.tsv", "--json", "--quiet"], folder: scratch.folder)
    let record = try object(eval.outputText.dropLast())
    #expect(record["pairs"] as? Int == 8)
    let bleu = try #require(record["bleu"] as? Double), loss = try #require(record["loss"] as? Double)
    #expect(bleu > 99.99 && loss < 0.2)
    #expect(record["signature"] as? String == "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0")
    let table = try Run(["eval", "--pairs", "pairs.tsv"], folder: scratch.folder).outputText
    #expect(table.contains("  0–5: BLEU 100.00 of 8 pairs"))
    let info = try Run(["info"], folder: scratch.folder).outputText
    #expect(info.contains("translator, ") && info.contains("encoder") && info.contains("1 layers"))
    try Run(["sample"], folder: scratch.folder).expectFailure(
      "no model in checkpoints: 2 files there, none a language model of minigpt; make one with minigpt train "
        + "YOUR.txt")
  }
}

extension Run {
  /// Expects exit status 1 and this line on stderr.
  fileprivate func expectFailure(_ message: String, _ location: SourceLocation = #_sourceLocation) {
    #expect(errorText == "minigpt: " + message + "\n", sourceLocation: location)
    #expect(status == 1 && signal == 0, sourceLocation: location)
  }
}
