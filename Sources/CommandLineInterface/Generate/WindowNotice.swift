internal import MiniGPT

/// Says once that the model sees less than there is.
struct WindowNotice {
  private let context: Int
  private var isSaid = false

  init(_ context: Int) { self.context = context }

  /// Before the answer to a prompt of so many tokens.
  mutating func begin(_ tokens: Int, _ console: Console) {
    if isSaid || tokens <= context { return }
    isSaid = true
    console.note(
      wrapping: "the prompt has \(grouped(tokens)) tokens, and the model sees the last \(grouped(context)) of them")
  }

  /// Behind an answer, with which the text has so many tokens.
  mutating func end(_ tokens: Int, _ console: Console) {
    if isSaid || tokens <= context { return }
    isSaid = true
    console.note(
      wrapping:
        "the text is longer than the \(grouped(context)) tokens that the model looks back: it forgot the beginning")
  }
}
