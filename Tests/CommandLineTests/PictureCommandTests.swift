import Foundation
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// `plot`, `attend` and `eval --baselines`: what they say of a model, and the files that they write.
@Suite struct PictureCommandTests {
  /// A model that was trained on some lines.
  private func trained() throws -> Scratch {
    let scratch = try Scratch()
    let verses = (0..<300).map { "\($0 % 7) bottles & \($0 % 5) <cans> on the wall;\n" }.joined()
    try scratch.write("wall.txt", verses)
    let run = try Run(
      [
        "train", "wall.txt", "--tokenizer", "byte", "--layers", "2", "--heads", "2", "--embd", "16", "--context", "512",
        "--batch-size", "1", "--steps", "20", "--eval-every", "10", "--log-every", "5", "--seed", "7",
        "--precision", "fp32",  // as `eval` computes
      ], folder: scratch.folder)
    #expect(run.status == 0)
    #expect(run.errorText.contains("\nn-grams "))
    #expect(run.errorText.split(separator: "\n").filter { $0.contains("(best n-gram ") }.count == 2)
    return scratch
  }

  /// Walks through a file as XML and gathers some attributes.
  private final class Reader: NSObject, XMLParserDelegate {
    var shares: [[Int]] = []
    var rungs: [String] = []
    var texts: [String] = []

    func parser(
      _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
      attributes: [String: String]
    ) {
      if let row = attributes["data-shares"] { shares.append(row.split(separator: " ").compactMap { Int($0) }) }
      if attributes["class"] == "rung", let value = attributes["data-value"] { rungs.append(value) }
      texts.append("")
    }

    func parser(_ parser: XMLParser, foundCharacters string: String) {
      if !texts.isEmpty { texts[texts.count - 1] += string }
    }
  }

  private func read(_ scratch: Scratch, _ name: String) throws -> Reader {
    let reader = Reader(), parser = XMLParser(data: Data(try scratch.read(name)))
    parser.delegate = reader
    #expect(parser.parse(), "\(String(describing: parser.parserError))")
    reader.texts = reader.texts.map { $0.trimmingCharacters(in: .newlines) }
    return reader
  }

  /// Nothing is fetched from elsewhere, nothing runs.
  private func expectSelfContained(_ scratch: Scratch, _ name: String) throws {
    let text = String(decoding: try scratch.read(name), as: UTF8.self)
    for word in ["<script", "<image", "@import", "url(", "href", "src="] { #expect(!text.contains(word), "\(word)") }
    #expect(text.contains("prefers-color-scheme:dark"))
  }

  @Test func drawsCurves() throws {
    let scratch = try trained()
    let log = try scratch.read("checkpoints/wall.log.jsonl")
    try scratch.write("<b> & 'c' \u{202E}.log.jsonl", log)
    let logs = ["checkpoints/wall.log.jsonl", "<b> & 'c' \u{202E}.log.jsonl"]
    let run = try Run(["plot"] + logs + ["--out", "a.svg"], folder: scratch.folder)
    #expect(run.status == 0 && run.errorText == "saved: a.svg\n" && run.outputText == "")
    let found = try read(scratch, "a.svg")
    try expectSelfContained(scratch, "a.svg")
    #expect(found.texts.contains { $0.hasPrefix("<b> & 'c' ") })
    let last = try #require(String(decoding: log, as: UTF8.self).split(separator: "\n").last)
    let record = try #require(try JSONSerialization.jsonObject(with: Data(last.utf8)) as? [String: Any])
    let bits = try #require(record["val_bits_per_byte"] as? Double)
    #expect(found.texts.contains("wall, step 20: " + String(format: "%.4f", bits)))
    let grams = try #require(record["ngram_bits_per_byte"] as? [Double])
    #expect(grams.count == 7)
    for value in found.rungs { #expect(grams.contains { String(format: "%.4f", $0) == value }) }

    let chart = try Run(["plot"] + logs, folder: scratch.folder)
    #expect(chart.status == 0 && chart.errorText == "")
    #expect(chart.outputText.split(separator: "\n").allSatisfy { $0.count <= 60 || $0.contains("per byte at step") })
    #expect(chart.outputText.contains("a  wall: " + String(format: "%.4f", bits) + " bits per byte at step 20\n"))
    #expect(!chart.outputText.contains("\u{202E}"))
  }

  @Test func saysWhatIsWhatAndWhose() throws {
    let scratch = try Scratch()
    func write(_ name: String, _ rungs: String) throws {
      let lines = [(10, 8), (20, 6)].map { step, bits in
        #"{"step": \#(step), "val_loss": 5, "val_bits_per_byte": \#(bits), "ngram_bits_per_byte": [\#(rungs)]}"# + "\n"
      }
      try scratch.write(name + ".log.jsonl", lines.joined())
    }
    try write("one", "7, 6.5")
    try write("two", "7")
    let chart = try Run(["plot", "one.log.jsonl", "two.log.jsonl"], folder: scratch.folder).outputText
    #expect(chart.hasPrefix(" bits per byte\n") && chart.contains("20 steps\n"))
    #expect(chart.contains("\nletters: held-out text  ·: training text  ─: n-grams\n"))
    #expect(chart.contains("─ 1-gram (ab)\n") && chart.contains("─ 2-gram (a)\n"))
    let alone = try Run(["plot", "one.log.jsonl"], folder: scratch.folder).outputText
    #expect(alone.contains("─ 2-gram\n"))
    _ = try Run(["plot", "one.log.jsonl", "two.log.jsonl", "--out", "a.svg"], folder: scratch.folder)
    let texts = try read(scratch, "a.svg").texts
    for text in ["steps", "bits per byte by step", "1-gram 7.000", "2-gram 6.500 one"] {
      #expect(texts.contains(text), "\(text)")
    }
  }

  @Test func refusesWhatIsNoLog() throws {
    let scratch = try Scratch()
    try scratch.write("a", "hello\n")
    try scratch.write("b", "{\"step\": 1}\n")
    try Run(["plot", "a"], folder: scratch.folder).expectRefusal(
      1, "a: no log of a training: NAME.log.jsonl is one, which minigpt train leaves beside its checkpoint")
    try scratch.write("c", "{\"step\": 1}\n{\"step\"\n")
    let second = try Run(["plot", "c"], folder: scratch.folder)
    #expect(second.status == 1 && second.errorText.hasPrefix("minigpt: c: line 2"))
    try Run(["plot", "b"], folder: scratch.folder).expectRefusal(
      1, "b: no line with a loss: a log of minigpt train was expected")
    try Run(["plot", "b", "--out", "b.png"], folder: scratch.folder).expectRefusal(
      2, "--out writes SVG: give it a name that ends in .svg, not 'b.png'")
  }

  @Test(arguments: ["svg", "html"]) func showsAttention(kind: String) throws {
    let scratch = try trained(), text = "<5> \"&\" 'é' 😀 שלום مرحبا\u{202E}\u{1B}[1m"
    let name = "a.\(kind)", model = "checkpoints/wall.safetensors"
    let run = try Run(["attend", model, text, "--out", name], folder: scratch.folder)
    #expect(run.status == 0 && run.errorText == "saved: \(name)\n", "\(run.errorText)")
    try expectSelfContained(scratch, name)
    if kind == "svg" {
      let found = try read(scratch, name), bytes = text.utf8.count
      // A row for each byte, of both layers and both heads.
      #expect(found.shares.count == 4 * bytes)
      #expect(found.shares.allSatisfy { $0.count == bytes && $0.reduce(0, +) == 10_000 && $0.min() ?? -1 >= 0 })
      #expect(found.shares[0][0] == 10_000)
      #expect(["<", "&", "😀", "ש", "م", "\\u{202E}", "\\x1B"].allSatisfy { found.texts.contains($0) })
    }
  }

  @Test func showsFiveHundredTokens() throws {
    let scratch = try trained(), model = "checkpoints/wall.safetensors"
    let text = String(repeating: "on the wall; ", count: 39).prefix(500)
    let run = try Run(["attend", model, String(text), "--out", "a.svg"], folder: scratch.folder)
    #expect(
      run.errorText
        == "a long text: only 1 of 4 heads, the last ones; --layer and --head choose others\nsaved: a.svg\n")
    let found = try read(scratch, "a.svg")
    #expect(found.shares.count == 500 && found.shares.allSatisfy { $0.reduce(0, +) == 10_000 })
    #expect(try scratch.read("a.svg").count < 30_000_000)
    let lines = try Run(["attend", model, String(text), "--layer", "1", "--head", "2"], folder: scratch.folder)
    #expect(lines.outputText.split(separator: "\n").count == 501)
    #expect(lines.outputText.split(separator: "\n").allSatisfy { $0.count <= 60 })
  }

  @Test func showsAttentionInRows() throws {
    let scratch = try trained(), model = "checkpoints/wall.safetensors"
    let run = try Run(["attend", model, "on the wall", "--layer", "2", "--head", "1"], folder: scratch.folder)
    let lines = run.outputText.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.first == "layer 2, head 1" && lines.count == 15)
    #expect(lines[3] == "█            0 o")
    #expect(try Run(["attend", model, "on the wall"], folder: scratch.folder).outputText.contains(run.outputText))
  }

  @Test func saysWhatCannotBeShown() throws {
    let scratch = try trained(), model = "checkpoints/wall.safetensors"
    try Run(["attend", model, ""], folder: scratch.folder).expectRefusal(
      1, "the text is empty: attend needs at least one token")
    try Run(["attend", model, String(repeating: "x", count: 513)], folder: scratch.folder).expectRefusal(
      1, "the text has 513 tokens, but the model sees at most 512 at once")
    try Run(["attend", model, "x", "--layer", "3"], folder: scratch.folder).expectRefusal(
      1, "--layer is 3, but the model has 2 layers")
    try Run(["attend", model, "x", "--part", "cross"], folder: scratch.folder).expectRefusal(
      1, "\(model): a language model has one side alone: --part and --target are for translators")
    try Run(["attend", model, "x", "--out", "a.png"], folder: scratch.folder).expectRefusal(
      2, "--out writes SVG or HTML: end its name in .svg or .html, not 'a.png'")
  }

  @Test func evaluatesBesideCounting() throws {
    let scratch = try trained()
    let arguments = ["eval", "checkpoints/wall.safetensors", "wall.txt", "--baselines"]
    let run = try Run(arguments + ["--json"], folder: scratch.folder)
    let record = try #require(try JSONSerialization.jsonObject(with: Data(run.output)) as? [String: Any])
    let rungs = try #require(record["baselines"] as? [[String: Any]])
    #expect(rungs.map { $0["order"] as? Int } == [1, 2, 3, 4, 5, 6, 7])
    // The same numbers as in the training's last line.
    let log = String(decoding: try scratch.read("checkpoints/wall.log.jsonl"), as: UTF8.self).split(separator: "\n")
    let last = try #require(try JSONSerialization.jsonObject(with: Data(log[log.count - 1].utf8)) as? [String: Any])
    #expect(rungs.map { $0["bits_per_byte"] as? Double } == last["ngram_bits_per_byte"] as? [Double])
    let found = try #require(record["val_bits_per_byte"] as? Double ?? record["bits_per_byte"] as? Double)
    let expected = try #require(last["val_bits_per_byte"] as? Double)
    #expect(abs(found - expected) < 1e-6)
    let told = try Run(arguments, folder: scratch.folder).outputText
    #expect(told.contains("\n7-gram  ") && told.contains("\nGPT     "))
  }
}
