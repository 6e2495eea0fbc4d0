internal import MiniGPT
internal import MiniGPTPlatform

/// Writes tokens as their very bytes; at a terminal as whole characters, where what can never become one is U+FFFD.
struct TextWriter {
  private let tokenizer: any Tokenizer
  private let console: Console
  private var decoder: StreamingDecoder

  init(_ tokenizer: any Tokenizer, _ console: Console) {
    self.tokenizer = tokenizer
    self.console = console
    decoder = StreamingDecoder(tokenizer)
  }

  mutating func write(_ id: Int32) throws(OutputError) {
    if !console.answersToTerminal { return try console.answer(tokenizer.bytes(of: id)) }
    try console.answer(text: decoder.push(id))
  }

  mutating func finish() throws(OutputError) {
    if console.answersToTerminal { try console.answer(text: decoder.finish()) }
  }
}
