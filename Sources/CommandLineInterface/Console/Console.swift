internal import MiniGPT
internal import MiniGPTPlatform

/// Where answers and messages go: answers to stdout, everything else to stderr.
///
/// Only answers can fail. Whoever closes stderr does not want messages, and no work is lost for it.
final class Console {
  /// Keeps progress and notes back; errors and warnings still appear.
  var isQuiet = false

  /// Whether a terminal reads the answers, and would obey control characters in them.
  let answersToTerminal = Terminal.isTerminal(1)
  /// Lets a terminal obey what a model says, as `--raw` asks.
  var isRaw = false
  /// Whether lines on stderr may be redrawn.
  let canMove = Terminal.canMove(2)
  let isInteractive = Terminal.isTerminal(0) && Terminal.isTerminal(1)

  /// Files that are read beside those that the command names: where its flags come from.
  var inputs: [Path] = []
  /// What the command has taken to write to; given back when it ends.
  var outputs: Outputs?

  private var line = ProgressLine()

  /// Adds to the answer; it goes out with `flush`, or when much has come together.
  func answer(_ bytes: [UInt8]) throws(OutputError) { try Output.standard.write(bytes) }

  /// Text of a model or a file: a terminal gets it such that it cannot obey it.
  func answer(text: String) throws(OutputError) {
    try answer(text: Array(text.utf8))
  }

  func answer(text: [UInt8]) throws(OutputError) {
    try answer(answersToTerminal && !isRaw ? EscapedText.bytes(text, layout: .lines) : text)
  }

  /// One JSON object on a line.
  func answer(json record: JSON, nonFinite: JSONWriter.NonFinite = .null) throws {
    try answer(JSONWriter.write(record, layout: .spaced, nonFinite: nonFinite) + [UInt8(ascii: "\n")])
  }

  /// Names and what they are, side by side.
  func answer(table rows: [(String, String)]) throws(OutputError) {
    for row in table(rows) { try answer(line: row) }
  }

  func answer(line: String) throws(OutputError) { try Output.standard.write(line + "\n") }

  func flush() throws(OutputError) { try Output.standard.flush() }

  /// A line that stays, unless `--quiet`.
  func note(_ text: String) {
    if !isQuiet { say(text) }
  }

  /// A line that stays in any case.
  func say(_ text: String) {
    write(line.cleared() + text + "\n")
  }

  /// A sentence to somebody at a terminal, broken between words where the terminal is narrow.
  func note(wrapping text: String) {
    if !isQuiet { say(wrapping: text) }
  }

  func say(wrapping text: String) {
    let rows = Terminal.isTerminal(2) ? TextColumns.wrapped(text, width: max(20, Terminal.width(2))) : [text]
    for row in rows { say(row) }
  }

  /// A line that the next one replaces; nothing where lines cannot be redrawn, or with `--quiet`.
  func progress(_ parts: [String]) {
    if isQuiet || !canMove { return }
    write(line.replaced(by: parts, width: Terminal.width(2)))
  }

  /// Takes the line of progress away, before something else writes to the terminal.
  func endProgress() { write(line.cleared()) }

  private func write(_ text: String) {
    if text.isEmpty { return }
    do {
      try Output.error.write(text)
      try Output.error.flush()
    } catch {
      // There is nowhere left to say so.
    }
  }
}
