internal import MiniGPT
internal import MiniGPTPlatform

/// `minigpt tokenizer show`: the vocabulary.
struct TokenizerShowCommand: Command {
  var tokenizer: [UInt8]?
  var counted: [[UInt8]] = []
  var json = false
  var threads: Int?

  static let names = ["tokenizer show"]
  static let summary = "lists the vocabulary"
  static let discussion = """
    A line for each token: its id, its text and how it came about, with tabs between them. Blanks appear as _, \
    control characters and broken bytes escaped. With --count, how often it occurs in a text.
    """

  static let sections: [Section<Self>] = [
    Section(
      "Flags",
      [
        TokenizerSource.option(\.tokenizer),
        .list(
          "count", in: \.counted, .file(), else: "none",
          "count the tokens of this text; it may repeat, and all texts are counted together"),
        .toggle("json", in: \.json, "a JSON object for each token: id, text, merge, special, count"),
        .optional("threads", in: \.threads, .integer(1...4096), else: "the cores it may use", "changes no result"),
      ])
  ]

  func run(_ console: Console) throws {
    let tokenizer = try TokenizerSource(tokenizer).open(console)
    let counts = try counted.isEmpty ? nil : count(tokenizer, console)
    let origins = (tokenizer as? BytePairTokenizer)?.origins
    for id in 0..<Int32(tokenizer.vocabularySize) {
      if Interruption.isRequested { throw Interrupted() }
      let origin = origins?[Int(id)], isSpecial = tokenizer.isSpecial(id)
      if json {
        var more = origin.map { ",\"merge\":[\($0.left),\($0.right)]" } ?? ""
        if isSpecial { more += ",\"special\":true" }
        if let counts { more += ",\"count\":\(counts[Int(id)])" }
        try console.answer(TokenLine.json(id, tokenizer, more))
        continue
      }
      var line = Array("\(id)\t".utf8) + PieceText.of(tokenizer.bytes(of: id)) + Array("\t".utf8)
      if isSpecial {
        line += Array("special".utf8)
      } else if let origin {
        line += PieceText.of(tokenizer.bytes(of: origin.left)) + Array(" + ".utf8)
        line += PieceText.of(tokenizer.bytes(of: origin.right))
      } else {
        line += Array((tokenizer.kind == .char ? "character" : "byte").utf8)
      }
      if let counts { line += Array("\t\(counts[Int(id)])".utf8) }
      try console.answer(line + [UInt8(ascii: "\n")])
    }
  }

  /// How often each token occurs in the texts.
  private func count(_ tokenizer: any Tokenizer, _ console: Console) throws -> [Int] {
    var counts = [Int](repeating: 0, count: tokenizer.vocabularySize)
    let pool = Machine.pool(threads: threads, console)
    let corpus = try InputError.namingEmpty { try TextCorpus(counted.map { Path(bytes: $0) }) }
    for part in corpus.parts {
      try tokenizer.encode(part.text, pool: pool, failure: { DatasetError.of($0, "\(part.file.path)") }) { ids, _ in
        for id in ids { counts[Int(id)] += 1 }
        if Interruption.isRequested { throw Interrupted() }
      }
    }
    return counts
  }
}
