internal import MiniGPT
internal import Platform

/// `minigpt attend [MODEL] TEXT`: who looks at whom.
struct AttendCommand: Command {
  var model: [UInt8]?
  var text: [UInt8] = []
  var layer: Int?
  var head: Int?
  var out: [UInt8]?
  var threads: Int?
  var quiet = false

  static let names = ["attend"]
  static let summary = "who looks at whom: the attention of each layer and head"
  static let discussion = """
    Shows for each token of a text how much of every other it takes, per layer and head: in the terminal as rows of \
    blocks (a full block is all of the attention), with --out as a picture that opens in any browser, offline.
    """
  static let words = Words("[MODEL] TEXT", 1...2, "a TEXT to look at")

  static let sections: [Section<Self>] = [
    Section(
      "What is shown",
      [
        .optional("layer", in: \.layer, .integer(1...1024), else: "all", "one layer, counted from 1"),
        .optional("head", in: \.head, .integer(1...1024), else: "all", "one head, counted from 1"),
        .optional(
          "out", in: \.out, .file("FILE.svg|FILE.html"), else: "rows in the terminal", "writes a picture"),
      ]),
    Section(
      "Running",
      [
        .optional("model", in: \.model, .file("MODEL"), else: "the newest in checkpoints", "the checkpoint"),
        .optional("threads", in: \.threads, .integer(1...4096), else: "the cores it may use", "changes no result"),
        .toggle("quiet", in: \.quiet, "nothing but the answer"),
      ]),
  ]

  mutating func take(_ words: [[UInt8]]) throws {
    text = words[words.count - 1]
    if words.count > 1 { try takeModel(words[0], into: &model) }
  }

  mutating func validate() throws {
    if let out, !isSVG(out), !Path(bytes: out).hasSuffix(".html") {
      throw UsageError.contradiction("--out writes SVG or HTML: end its name in .svg or .html, not \(quoted(out))")
    }
  }

  private func isSVG(_ name: [UInt8]) -> Bool { Path(bytes: name).hasSuffix(".svg") }

  /// Squares that a picture may have before it shows a part only: some tens of megabytes.
  private static let mostCells = 400_000

  func run(_ console: Console) throws {
    console.isQuiet = quiet
    let checkpoint = try ModelChoice(model).announced(on: console).open()
    let tokenizer = try checkpoint.tokenizer(), configuration = checkpoint.configuration
    let ids = try tokenizer.encode(text)
    if ids.isEmpty { throw NothingToAttend.noTokens }
    if ids.count > configuration.context {
      throw NothingToAttend.tooLong(tokens: ids.count, context: configuration.context)
    }
    if let layer, layer > configuration.layers {
      throw NothingToAttend.beyond("layer", layer, configuration.layers)
    }
    if let head, head > configuration.heads { throw NothingToAttend.beyond("head", head, configuration.heads) }
    let machine = try Machine(threads: threads)
    let maps = AttentionMaps(
      GPT(configuration), parameters: try checkpoint.parameters(), ids: ids, pool: machine.pool,
      kernels: machine.kernels)
    let chosen = choose(configuration, tokens: ids.count, console)
    let words = AttentionPicture.labels(ids, tokenizer)
    let shown = chosen.map { layer, head in
      AttentionPicture.Map(
        name: "layer \(layer), head \(head)", queries: words, keys: words, weights: maps.weights[layer - 1][head - 1])
    }
    try show(AttentionPicture(title: title, maps: shown), console)
  }

  /// The layers and heads that were asked for; of a long text as many as a file can hold.
  private func choose(_ configuration: GPTConfiguration, tokens: Int, _ console: Console) -> [(Int, Int)] {
    var layers = layer.map { [$0] } ?? Array(1...configuration.layers)
    var heads = head.map { [$0] } ?? Array(1...configuration.heads)
    let cells = tokens * tokens
    if out == nil || layers.count * heads.count * cells <= Self.mostCells {
      return layers.flatMap { layer in heads.map { (layer, $0) } }
    }
    layers = Array(layers.suffix(1))
    heads = Array(heads.prefix(max(1, Self.mostCells / cells)))
    console.note(
      "a long text: only layer \(layers[0]), head\(heads.count == 1 ? "" : "s") \(heads.map(String.init).joined(separator: ", "));"
        + " --layer and --head choose others")
    return layers.flatMap { layer in heads.map { (layer, $0) } }
  }

  private var title: String {
    let text = printable(text)
    return "attention in “\(text.count <= 80 ? text : String(text.prefix(79)) + "…")”"
  }

  private func show(_ picture: AttentionPicture, _ console: Console) throws {
    guard let out else {
      for (index, map) in picture.maps.enumerated() {
        if index > 0 { try console.answer(line: "") }
        for line in map.lines { try console.answer(line: line) }
      }
      return
    }
    let file = AttentionFile(picture: picture), text = Array((isSVG(out) ? file.svg() : file.html()).utf8)
    try AtomicFile.write(text.rawBytes, to: Path(bytes: out))
    console.note("saved: \(Path(bytes: out))")
  }
}

/// Why there is nothing to show.
enum NothingToAttend: Error, CustomStringConvertible {
  case noTokens
  case tooLong(tokens: Int, context: Int)
  case beyond(String, Int, Int)

  var description: String {
    switch self {
    case .noTokens: "the text is empty: attend needs at least one token"
    case .tooLong(let tokens, let context):
      "the text has \(grouped(tokens)) tokens, but the model sees at most \(grouped(context)) at once"
    case .beyond(let what, let found, let most): "--\(what) is \(found), but the model has \(most) \(what)s"
    }
  }
}
