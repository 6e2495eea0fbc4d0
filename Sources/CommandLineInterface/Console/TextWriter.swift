internal import MiniGPT
internal import MiniGPTPlatform

/// Writes tokens as text while they come.
struct TextWriter {
  enum Form {
    /// Whole characters, out at once; what can never become one is U+FFFD.
    case streamed
    /// The very bytes; at a terminal, characters as in `streamed`.
    case exact
  }

  private let tokenizer: any Tokenizer
  private let console: Console
  private let form: Form
  private var decoder: StreamingDecoder

  init(_ tokenizer: any Tokenizer, _ form: Form, _ console: Console) {
    self.tokenizer = tokenizer
    self.console = console
    self.form = form
    decoder = StreamingDecoder(tokenizer)
  }

  mutating func write(_ id: Int32) throws(OutputError) {
    if form == .exact && !console.answersToTerminal { return try console.answer(tokenizer.bytes(of: id)) }
    try console.answer(text: decoder.push(id))
    if form == .streamed { try console.flush() }
  }

  mutating func finish() throws(OutputError) {
    if form == .streamed || console.answersToTerminal { try console.answer(text: decoder.finish()) }
  }
}
