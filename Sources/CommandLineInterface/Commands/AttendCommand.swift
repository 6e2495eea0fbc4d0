internal import MiniGPT
internal import MiniGPTPlatform

/// `minigpt attend [MODEL] TEXT`: who looks at whom.
struct AttendCommand: Command {
  var model: [UInt8]?
  var text: [UInt8] = []
  var target: [UInt8]?
  var part: AttentionPart?
  var layer: Int?
  var head: Int?
  var out: [UInt8]?
  var overwrite = false
  var threads: Int?
  var quiet = false

  static let names = ["attend"]
  static let summary = "who looks at whom: the attention of each layer and head"
  static let discussion = """
    Shows for each token of a text how much of every other it takes, per layer and head: in the terminal as rows of \
    blocks (a full block is the most of its row), with --out as a picture that opens in any browser, offline. Of a \
    translator it shows the encoder, the decoder, and how the decoder looks at the encoder.
    """
  static let words = Words("[MODEL] TEXT", 1...2, "a TEXT to look at")

  static let sections: [Section<Self>] = [
    Section(
      "What is shown",
      [
        .optional("part", in: \.part, .choice, else: "all", "of a translator: one side, or the cross-attention"),
        .optional("layer", in: \.layer, .integer(1...1024), else: "all", "one layer, counted from 1"),
        .optional("head", in: \.head, .integer(1...1024), else: "all", "one head, counted from 1"),
        .optional(
          "target", in: \.target, .text, else: "what it says", "of a translator: the translation to look at"),
        .optional(
          "out", in: \.out, .file("FILE.svg|FILE.html"), else: "rows in the terminal", "writes a picture"),
        .toggle("overwrite", in: \.overwrite, "replace a picture that is there"),
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
    if words.count == 1, isModel(text) {
      throw UsageError.wordMissing(command: Self.name, what: "a TEXT behind the MODEL")
    }
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

  /// All layers of one side of a model, with the words beside them.
  private struct Stack {
    let name: String
    let queries: [String]
    let keys: [String]
    /// By layer and head.
    let weights: [[PlainMatrix<Double>]]
  }

  func run(_ console: Console) throws {
    console.isQuiet = quiet
    let choice = try ModelChoice(model, nil).announced(on: console), machine = try Machine(threads: threads, console)
    if let out { try console.claim(Path(bytes: out), reading: [choice.path], overwrite: overwrite) }
    let model = try choice.openAny()
    let stacks =
      try (try? model.translator()).map { try translator($0, machine) } ?? languageModel(model.textModel(), machine)
    let maps = try stacks.flatMap { try self.maps($0) }
    try show(AttentionPicture(title: title, maps: shortened(maps, console)), console)
  }

  private func languageModel(_ checkpoint: Checkpoint, _ machine: Machine) throws -> [Stack] {
    if part != nil || target != nil { throw NothingToAttend.noTranslator(checkpoint.path) }
    let tokenizer = try checkpoint.tokenizer(), configuration = checkpoint.configuration
    let ids = try tokenizer.encode(text)
    try check(ids, most: configuration.context, "the text")
    let maps = AttentionMaps(
      GPT(configuration), parameters: try checkpoint.parameters(), ids: ids, on: machine.processor)
    let words = AttentionPicture.labels(ids, tokenizer)
    return [Stack(name: "", queries: words, keys: words, weights: maps.weights)]
  }

  /// Queries of the target are what its places hold: a beginning, then each word; they look for the next one.
  private func translator(_ checkpoint: TranslatorCheckpoint, _ machine: Machine) throws -> [Stack] {
    let tokenizer = try checkpoint.tokenizer(), places = checkpoint.configuration.context - 1
    let source = try tokenizer.encode(text)
    try check(source, most: places, "the text")
    let model = EncoderDecoder(checkpoint.configuration), parameters = try checkpoint.parameters()
    let pass = TranslationPass(model, parameters: parameters, on: machine.processor)
    let said: [Int32]
    if let target {
      said = try tokenizer.encode(target)
    } else {
      // The translation that `translate` gives.
      let translator = Translator(
        model, parameters: parameters, SearchOptions().configuration, batch: 1, on: machine.processor)
      said = translator.translate([source])[0].first?.ids ?? []
    }
    if said.count > places { throw NothingToAttend.tooLong("the target", tokens: said.count, context: places) }
    pass.run(source: source, target: said)
    let maps = pass.attention()
    let sourceWords = AttentionPicture.labels(source, tokenizer) + [SpecialToken.endOfSentence]
    let targetWords = ["(begins)"] + AttentionPicture.labels(said, tokenizer)
    let all: [(AttentionPart, Stack)] = [
      (.encoder, Stack(name: "encoder, ", queries: sourceWords, keys: sourceWords, weights: maps.encoder)),
      (.decoder, Stack(name: "decoder, ", queries: targetWords, keys: targetWords, weights: maps.decoder)),
      (.cross, Stack(name: "cross, ", queries: targetWords, keys: sourceWords, weights: maps.cross)),
    ]
    return all.filter { part == nil || part == $0.0 }.map(\.1)
  }

  private func check(_ ids: [Int32], most: Int, _ what: String) throws {
    if ids.isEmpty { throw NothingToAttend.noTokens }
    if ids.count > most { throw NothingToAttend.tooLong(what, tokens: ids.count, context: most) }
  }

  /// The layers and heads that were asked for.
  private func maps(_ stack: Stack) throws -> [AttentionPicture.Map] {
    let layers = stack.weights.count, heads = stack.weights.first?.count ?? 0
    if let layer, layer > layers { throw NothingToAttend.beyond("layer", layer, layers) }
    if let head, head > heads { throw NothingToAttend.beyond("head", head, heads) }
    return (layer.map { $0...$0 } ?? 1...max(1, layers)).flatMap { layer in
      (head.map { $0...$0 } ?? 1...max(1, heads)).map { head in
        AttentionPicture.Map(
          name: "\(stack.name)layer \(layer), head \(head)", row: "\(stack.name)\(layer)", queries: stack.queries,
          keys: stack.keys,
          weights: stack.weights[layer - 1][head - 1])
      }
    }
  }

  /// Of a long text as many maps, from the last layer on, as a file can hold.
  private func shortened(_ maps: [AttentionPicture.Map], _ console: Console) -> [AttentionPicture.Map] {
    var cells = 0
    let kept = maps.reversed().prefix { map in
      cells += map.queries.count * map.keys.count
      return cells <= Self.mostCells
    }
    if out == nil || kept.count == maps.count { return maps }
    let shown = kept.isEmpty ? Array(maps.suffix(1)) : kept.reversed()
    console.note(
      "a long text: only \(shown.count) of \(maps.count) heads, the last ones; --layer and --head choose others")
    return shown
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

/// The attentions of a translator.
enum AttentionPart: String, CaseIterable, Sendable {
  case encoder, decoder, cross
}

/// Why there is nothing to show.
enum NothingToAttend: Error, CustomStringConvertible {
  case noTokens
  case tooLong(String, tokens: Int, context: Int)
  case beyond(String, Int, Int)
  case noTranslator(Path)

  var description: String {
    switch self {
    case .noTokens: "the text is empty: attend needs at least one token"
    case .tooLong(let what, let tokens, let context):
      "\(what) has \(grouped(tokens)) tokens, but the model sees at most \(grouped(context)) at once"
    case .beyond(let what, let found, let most): "--\(what) is \(found), but the model has \(most) \(what)s"
    case .noTranslator(let path):
      "\(path): a language model has one side alone: --part and --target are for translators"
    }
  }
}
