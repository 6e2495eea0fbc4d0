import Foundation
import Testing

/// The command that a run prints, and the one of `info`: the program takes it as it is printed, and it gives the same bytes.
@Suite struct RepeatedRunTests {
  private static let small = [
    "--layers", "1", "--heads", "2", "--embd", "16", "--context", "16", "--steps", "4", "--eval-every", "2", "--seed",
    "7",
  ]
  private static let text = ["train", "bottles.txt"], pairs = ["train", "--pairs", "pairs.tsv"]
  private static let ownPairs = ["--valid-pairs", "other.tsv"]

  /// Runs of texts and of pairs, as they are typed; `--resume` wants the corpora and what is held out again.
  static let runs: [(fresh: [String], resumed: [String])] = [
    (text, text), (text + ["--tokenizer", "char", "--lines"], text),
    (text + ["--vocab-size", "300", "--split", "spaces"], text),
    (text + ["--val", "other.txt"], text + ["--val", "other.txt"]),
    (text + ["--tokenizer", "t.json"], text), (text + ["--tokenizer", "t.json"], text + ["--tokenizer", "t.json"]),
    (text + ["--init", "base.safetensors"], text),
    (pairs, pairs), (pairs + ["--vocab-size", "280", "--split", "spaces"], pairs),
    (pairs + ownPairs, pairs + ownPairs), (pairs + ["--tokenizer", "pairs-base.safetensors"], pairs),
    (pairs + ["--init", "pairs-base.safetensors"] + ownPairs, pairs + ownPairs),
  ]

  private static let made = Result { () throws -> Scratch in
    let scratch = try Scratch()
    try scratch.write("bottles.txt", (0..<120).map { "\($0) green bottles, hanging on the wall;\n" }.joined())
    try scratch.write("other.txt", (0..<60).map { "\($0) bottles of green on a wall;\n" }.joined())
    let pairs = (0..<60).map { "\($0) green bottles\t\($0) botellas verdes\n" }
    try scratch.write("pairs.tsv", pairs.joined())
    try scratch.write("other.tsv", pairs.prefix(9).joined())
    for command in [
      ["tokenizer", "train", "bottles.txt", "--vocab-size", "290", "--out", "t.json"],
      text + small + ["--out", "base.safetensors"], Self.pairs + small + ["--out", "pairs-base.safetensors"],
    ] {
      let run = try Run(command + ["--quiet"], folder: scratch.folder)
      #expect(run.status == 0, "\(command): \(run.errorText)")
    }
    return scratch
  }

  private func again(_ run: Run) throws -> String {
    let line = try #require(run.errorText.split(separator: "\n").first { $0.hasPrefix("again: ") }, "\(run.errorText)")
    return String(line.dropFirst("again: ".count))
  }

  @Test(arguments: runs.indices) func whatIsPrintedRuns(_ index: Int) throws {
    let scratch = try Self.made.get(), (fresh, resumed) = Self.runs[index], name = "run\(index).safetensors"
    let out = ["--out", name], first = try Run(fresh + Self.small + out, folder: scratch.folder)
    #expect(first.status == 0, "\(first.errorText)")
    let bytes = try scratch.read(name)
    let second = try Run(resumed + out + ["--resume"], folder: scratch.folder)
    #expect(second.status == 0, "\(second.errorText)")
    for line in [try again(first), try again(second)] {
      if line.hasPrefix("no single command") {
        #expect(fresh.contains("--init") && line.contains("it began with the weights of a model (MODEL)"))
        continue
      }
      // A run never overwrites by itself.
      let run = try Run.shell(
        #""$minigpt" \#(line.dropFirst("minigpt ".count)) --overwrite --quiet"#, folder: scratch.folder)
      #expect(run.status == 0 && run.errorText == "", "\(line): \(run.errorText)")
      let there = line.contains("--out run\(index).again.safetensors") ? "run\(index).again.safetensors" : name
      #expect(try scratch.read(there) == bytes, "\(line)")
    }
    // A model to begin with, of which the checkpoint has no name, stands in capitals, as its corpus does.
    let info = try Run(["info", name, "--command"], folder: scratch.folder)
    var told = info.outputText.replacing(" CORPUS", with: " bottles.txt").replacing("VALID-PAIRS", with: "other.tsv")
      .replacing(" PAIRS", with: " pairs.tsv").replacing("--val VAL", with: "--val other.txt")
    #expect(info.errorText.contains("MODEL") == fresh.contains("--init"))
    #expect(told.contains("--init MODEL") == fresh.contains("--init"))
    told = told.replacing(" MODEL", with: fresh.contains("--pairs") ? " pairs-base.safetensors" : " base.safetensors")
    let third = try Run.shell(
      #""$minigpt" \#(told.dropFirst("minigpt ".count).dropLast()) --quiet --overwrite --out third\#(index).safetensors"#,
      folder: scratch.folder)
    #expect(third.status == 0 && third.errorText == "", "\(told): \(third.errorText)")
    #expect(try scratch.read("third\(index).safetensors") == bytes, "\(told)")
  }

  /// A tokenizer that is there has its own size and rule.
  @Test func aTokenizerInAFileIsNotContradicted() throws {
    for (flag, value) in [("--vocab-size", "300"), ("--split", "spaces")] {
      for words in [Self.text, Self.pairs] {
        try Run(words + ["--tokenizer", "t.json", flag, value]).expectRefusal(
          2, "\(flag) is for bpe made from the corpus: t.json has its own")
      }
    }
  }
}
