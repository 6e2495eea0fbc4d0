internal import MiniGPT
internal import Platform

/// `minigpt tokenizer encode`: text on stdin, ids on stdout.
struct TokenizerEncodeCommand: Command {
  var tokenizer: [UInt8]?
  var allowSpecial = false
  var pieces = false
  var json = false

  static let names = ["tokenizer encode"]
  static let summary = "text on stdin, ids on stdout"
  static let discussion = """
    Writes the ids separated by white space. The text may be of any length: memory stays the same. What looks like a \
    special token is plain text, unless --allow-special.
    """

  static let sections: [Section<Self>] = [
    Section(
      "Flags",
      [
        TokenizerSource.option(\.tokenizer),
        .toggle("allow-special", in: \.allowSpecial, "the names of special tokens become their ids"),
        .toggle("pieces", in: \.pieces, "a line for each token: its id, a tab, its text"),
        .toggle("json", in: \.json, "a JSON object for each token: id, text"),
      ])
  ]

  mutating func validate() throws {
    if pieces && json { throw UsageError.contradiction("--pieces and --json print different things: give one") }
  }

  func run(_ console: Console) throws {
    let tokenizer = try TokenizerSource(tokenizer).open(console)
    var encoder = StreamingEncoder(tokenizer, allowSpecial: allowSpecial)
    let input = Input()
    var isFirst = true
    var isAtEnd = false
    while !isAtEnd {
      var ids: [Int32] = []
      do {
        switch try input.readBlock() {
        case .line(let bytes): try encoder.push(bytes, into: &ids)
        case .interrupted: throw Interrupted()
        case .end:
          try encoder.finish(into: &ids)
          isAtEnd = true
        }
      } catch let error as TokenizerError {
        throw InputError.badText(error)
      }
      for id in ids {
        if pieces || json {
          try console.answer(TokenLine.of(id, tokenizer, json: json))
        } else {
          try console.answer(Array((isFirst ? "\(id)" : " \(id)").utf8))
        }
        isFirst = false
      }
    }
    if !isFirst && !pieces && !json { try console.answer(line: "") }
  }
}
