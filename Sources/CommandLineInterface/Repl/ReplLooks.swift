// /top, /ppl and /near: what the model expects, and what its tokens are to it.

internal import MiniGPT
internal import MiniGPTPlatform

extension ReplVerb {
  static let looks = [
    ReplVerb(
      name: "top", usage: "[N] [TEXT]", summary: "the N likeliest tokens behind TEXT, or behind the last prompt"
    ) { conversation, rest in try top(conversation, rest) },
    ReplVerb(
      name: "ppl", usage: "TEXT", summary: "how likely the model finds each token of TEXT, and its perplexity"
    ) { conversation, rest in try perplexity(conversation, rest) },
    ReplVerb(
      name: "near", usage: "TOKEN", summary: "the tokens that mean the most like it: nearest embeddings by cosine"
    ) { conversation, rest in try near(conversation, rest) },
  ]

  /// Rows of a table that nobody asked to be longer.
  private static let usualCount = 10

  private static func top(_ conversation: Conversation, _ rest: [UInt8]) throws {
    let word = rest.prefix { $0 != 0x20 && $0 != 9 }
    let number = StrictNumber.integer(Array(word)).flatMap { (1...100_000).contains($0) ? $0 : nil }
    let text = number == nil ? rest : trimmed(rest[word.count...])
    let prompt = text.isEmpty ? conversation.prompt ?? [] : try conversation.encode(text)
    let expected = try conversation.speaker.expectations(after: prompt)
    let ids = expected.likeliest(number ?? usualCount)
    let tokenizer = conversation.speaker.tokenizer
    let bars = ids.map { (name: tokenName($0, tokenizer), share: expected[$0]) }
    for row in BarChart.rows(bars, width: Terminal.width(1)) { try conversation.console.answer(line: row) }
  }

  /// The first token is not predicted, as in `minigpt eval`.
  private static func perplexity(_ conversation: Conversation, _ rest: [UInt8]) throws {
    let tokenizer = conversation.speaker.tokenizer
    let ids = rest.isEmpty ? (conversation.prompt ?? []) + conversation.said : try conversation.encode(rest)
    if ids.count < 2 { throw ReplError.needs(command: "ppl", what: "a text of at least two tokens") }
    let losses = conversation.speaker.losses(of: ids)
    let console = conversation.console
    try console.answer(line: "       —          —  " + tokenName(ids[0], tokenizer))
    for (id, loss) in zip(ids.dropFirst(), losses) {
      let share = Double.exp(-loss)
      let percent = leading(fixed(100 * share, share < 0.000_95 ? 3 : 1) + " %", 8)
      let bits = leading(fixed(loss / Double.log(2), 1) + " bits", 11)
      try console.answer(line: percent + bits + "  " + tokenName(id, tokenizer))
    }
    let total = losses.reduce(0, +), count = Double(losses.count)
    let bytes = ids.dropFirst().reduce(0) { $0 + Int(tokenizer.tokenByteLengths[Int($1)]) }
    let perByte = bytes == 0 ? "" : ", \(fixed(total / Double.log(2) / Double(bytes), 3)) bits a byte"
    try console.answer(
      line: "perplexity \(fixed(Double.exp(total / count), 2)) over \(grouped(losses.count))"
        + " token\(losses.count == 1 ? "" : "s")\(perByte)")
  }

  private static func near(_ conversation: Conversation, _ rest: [UInt8]) throws {
    if rest.isEmpty { throw ReplError.needs(command: "near", what: "a token") }
    let tokenizer = conversation.speaker.tokenizer
    guard let id = try token(rest, conversation) else { return }
    let model = GPT(conversation.checkpoint.configuration)
    let memory = Memory(MemoryPlan(), try conversation.checkpoint.parameters(), on: .plain())
    for neighbour in NearestTokens.of(id, count: usualCount, model, in: memory) {
      try conversation.console.answer(
        line: leading(fixed(neighbour.cosine, 3), 6) + "  " + tokenName(neighbour.id, tokenizer))
    }
  }

  /// In quotation marks with its blanks, as /top shows it, or plain; a word that is a token only behind a blank is that.
  /// Nil where it is several, which are shown.
  private static func token(_ text: [UInt8], _ conversation: Conversation) throws -> Int32? {
    let mark = UInt8(ascii: "'")
    let isQuoted = text.count > 2 && text.first == mark && text.last == mark
    let text = isQuoted ? Array(text.dropFirst().dropLast()) : text
    let ids = try conversation.speaker.tokenizer.encode(text, allowSpecial: true)
    if ids.count == 1 { return ids[0] }
    let behindBlank = isQuoted ? [] : (try? conversation.encode([0x20] + text)) ?? []
    if behindBlank.count == 1 { return behindBlank[0] }
    let tokenizer = conversation.speaker.tokenizer
    let pieces = ids.prefix(mostPieces).map { tokenName($0, tokenizer) }.joined(separator: " ")
    conversation.console.say(
      wrapping: "/near needs one token, and this text is \(grouped(ids.count)): \(pieces)"
        + (ids.count > mostPieces ? " …" : ""))
    return nil
  }

  /// Pieces of a text that are shown where one was wanted.
  private static let mostPieces = 20
}

/// A token as people read it: in quotation marks, so that its blanks are seen; special ones by their names.
func tokenName(_ id: Int32, _ tokenizer: any Tokenizer) -> String {
  let text = printable(tokenizer.bytes(of: id))
  return tokenizer.isSpecial(id) ? text : "'" + text + "'"
}
