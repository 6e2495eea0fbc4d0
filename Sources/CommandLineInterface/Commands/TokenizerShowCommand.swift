internal import MiniGPT
internal import Platform

/// `minigpt tokenizer show`: the vocabulary.
struct TokenizerShowCommand: Command {
  var tokenizer: [UInt8]?
  var json = false

  static let names = ["tokenizer show"]
  static let summary = "lists the vocabulary"
  static let discussion =
    "A line for each token: its id, a tab, its text, with control characters and broken bytes escaped."

  static let sections: [Section<Self>] = [
    Section(
      "Flags",
      [TokenizerSource.option(\.tokenizer), .toggle("json", in: \.json, "a JSON object for each token: id, text")])
  ]

  func run(_ console: Console) throws {
    let tokenizer = try TokenizerSource(tokenizer).open(console)
    for id in 0..<tokenizer.vocabularySize {
      if Interruption.isRequested { throw Interrupted() }
      try console.answer(TokenLine.of(Int32(id), tokenizer, json: json))
    }
  }
}
