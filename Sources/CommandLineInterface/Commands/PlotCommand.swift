internal import MiniGPT

/// `minigpt plot LOG…`: the loss curves of some runs.
struct PlotCommand: Command {
  var logs: [[UInt8]] = []
  var out: [UInt8]?
  var overwrite = false

  static let names = ["plot"]
  static let summary = "loss curves of training runs"
  static let discussion = """
    Shows the logs that training leaves beside its checkpoints, several in one picture: a small chart for the terminal, \
    or with --out a picture. Losses are in bits per byte, so that runs with different tokenizers can be compared; the \
    training loss is brought to it by the held-out text's tokens per byte. Lines mark what n-grams reach.
    """
  static let words = Words("LOG…", 1...100, "a LOG: NAME.log.jsonl of a training")

  static let sections: [Section<Self>] = [
    Section(
      "Flags",
      [
        .optional("out", in: \.out, .file("FILE.svg"), else: "a chart in the terminal", "writes a picture as SVG"),
        .toggle("overwrite", in: \.overwrite, "replace a picture that is there"),
      ])
  ]

  mutating func take(_ words: [[UInt8]]) throws { logs = words }

  mutating func validate() throws {
    if let out, !Path(bytes: out).hasSuffix(".svg") {
      throw UsageError.contradiction("--out writes SVG: give it a name that ends in .svg, not \(quoted(out))")
    }
  }

  func run(_ console: Console) throws {
    // A checkpoint stands for its log.
    let files = logs.map { name in
      let path = Path(bytes: name)
      return path.hasSuffix(RunFiles.ending) ? RunFiles(containing: path).log : path
    }
    if let out { try console.claim(Path(bytes: out), reading: files, overwrite: overwrite) }
    let curves = try files.map { try TrainingCurve($0) }
    if let out {
      let path = Path(bytes: out)
      let text = Array(LossChart(curves: curves).file().utf8)
      try AtomicFile.write(text.rawBytes, to: path)
      return console.note("saved: \(path)")
    }
    for line in TerminalChart(curves: curves).lines() { try console.answer(line: line) }
    for (index, curve) in curves.enumerated() { try console.answer(line: summary(curve, index)) }
  }

  /// "a  shakespeare: 2.0912 bits per byte at step 1,500".
  private func summary(_ curve: TrainingCurve, _ index: Int) -> String {
    let unit = curve.isBits ? "bits per byte" : "nats per token"
    let head = "\(TerminalChart.letter(index))  \(curve.name): "
    if let best = curve.best { return head + "\(fixed(best.value, 4)) \(unit) at step \(grouped(best.step))" }
    let last = curve.smoothed.last?.value ?? .nan
    return head + "\(fixed(last, 4)) \(unit) in training, never evaluated"
  }
}
