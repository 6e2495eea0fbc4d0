internal import MiniGPTSystemC

/// Lines of a terminal where no library edits them.
///
/// The system would put lines together by itself, and cut one at 4,095 bytes (1,024 on macOS) without a word: the end of
/// a long paste is lost. So characters are taken as they come and shown here. Backspace, Ctrl-U, Ctrl-W and Ctrl-D do
/// what they do elsewhere, and signals stay with the system.
package final class PlainEditor {
  private let input: Int32
  private let output: Output
  private var lines: InputLines
  private var waiting: [UInt8] = []
  private var next = 0
  /// How the terminal was, while it is ours.
  private var found: termios?

  package init(input: Int32 = 0, output: Output = .standard) {
    self.input = input
    self.output = output
    lines = InputLines(input)
  }

  deinit { release() }

  /// Whether bytes were read that no line has had yet.
  package var hasMore: Bool { next < waiting.count }

  /// Shows `prompt` and reads a line. The terminal stays ours until `release`, so that what is pasted in several lines
  /// comes whole.
  package func read(prompt: String) throws(SystemError) -> InputLines.Next {
    var line: [UInt8] = [], shown = Array(prompt.utf8)
    while true {
      if next == waiting.count {
        // Whoever sees the prompt may paste at once.
        take()
        show(&shown)
        (waiting, next) = ([], 0)
        switch try lines.readBlock() {
        case .line(let bytes): waiting = bytes
        case .interrupted: return .interrupted
        case .end: return line.isEmpty ? .end : .line(line)
        }
      }
      let byte = waiting[next]
      next += 1
      switch byte {
      case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
        shown.append(UInt8(ascii: "\n"))
        show(&shown)
        return .line(line)
      case Key.end, Key.endTypedAhead:
        // As elsewhere it ends the input at the beginning of a line, and nothing within one.
        if line.isEmpty { return .end }
      case Key.backspace, Key.delete: erase(&line, &shown)
      case Key.eraseLine: while !line.isEmpty { erase(&line, &shown) }
      case Key.eraseWord:
        while line.last == 0x20 { erase(&line, &shown) }
        while let last = line.last, last != 0x20 { erase(&line, &shown) }
      default:
        line.append(byte)
        // What a terminal would obey takes one place, as `erase` believes.
        shown.append(byte == 9 ? 0x20 : byte < 0x20 ? UInt8(ascii: "?") : byte)
      }
    }
  }

  private enum Key {
    static let endTypedAhead: UInt8 = 0, end: UInt8 = 4, backspace: UInt8 = 8, eraseLine: UInt8 = 21
    static let eraseWord: UInt8 = 23, delete: UInt8 = 127
  }

  /// Takes the last character away, of several bytes perhaps, also from the screen.
  private func erase(_ line: inout [UInt8], _ shown: inout [UInt8]) {
    while let last = line.popLast() {
      if last & 0xC0 == 0x80 { continue }
      return shown += [8, 0x20, 8]
    }
  }

  /// A terminal that is gone says so where answers are written, or at the next key.
  private func show(_ bytes: inout [UInt8]) {
    do {
      try output.write(bytes)
      try output.flush()
    } catch {}
    bytes = []
  }

  // MARK: - The terminal

  /// Makes the terminal hand over characters as they are typed and show none.
  private func take() {
    var mode = termios()
    guard unsafe tcgetattr(input, &mode) == 0, mode.c_lflag & tcflag_t(ICANON) != 0 else { return }
    found = found ?? mode
    mode.c_lflag &= ~tcflag_t(ICANON | ECHO | IEXTEN)
    unsafe _ = tcsetattr(input, TCSADRAIN, &mode)
  }

  /// Gives the terminal back as it was: between two prompts, and at the end.
  package func release() {
    guard var mode = found else { return }
    unsafe _ = tcsetattr(input, TCSADRAIN, &mode)
    found = nil
  }
}
