internal import MiniGPT
internal import MiniGPTPlatform

/// The prompts that are typed, or the lines of a pipe.
final class ReplInput {
  /// SIGINT, the same on all systems.
  static let interrupt: Int32 = 2

  private let console: Console
  private let isTyped: Bool
  private let takesCommands: Bool
  private let editor: LineEditor?
  /// Where lines are typed and no library edits them.
  private let plain: PlainEditor?
  private let lines = Input()
  /// Of the line read last, counted from 1.
  private(set) var lineNumber = 0

  private static let mark = Array("\"\"\"".utf8)

  init(_ console: Console, isTyped: Bool, takesCommands: Bool) {
    self.console = console
    self.isTyped = isTyped
    self.takesCommands = takesCommands
    editor = isTyped ? LineEditor.find() : nil
    plain = isTyped && editor == nil ? PlainEditor() : nil
    editor?.complete { line, start in ReplCompletion.candidates(line, wordStart: start) }
  }

  /// A prompt or a command; nil at the end. Ctrl-C at the prompt of a terminal begins a new line.
  func next() throws -> [UInt8]? {
    defer { plain?.release() }
    while true {
      switch try read("> ") {
      case .end:
        if isTyped { try console.answer(line: "") }
        return nil
      case .interrupted: try begunAnew()
      case .line(let line):
        if !takesCommands { return line }
        guard let text = try line.starts(with: Self.mark) ? block(line) : pasted(line) else { continue }
        return text
      }
    }
  }

  /// From `"""` to `"""`. Nil when it was given up by Ctrl-C.
  private func block(_ first: [UInt8]) throws -> [UInt8]? {
    var text = Array(first.dropFirst(Self.mark.count))
    while true {
      if text.suffix(Self.mark.count).elementsEqual(Self.mark) { return text.dropLast(Self.mark.count) }
      switch try read(". ") {
      case .line(let line): text += (text.isEmpty ? [] : [10]) + line
      case .end: return text
      case .interrupted:
        try begunAnew()
        return nil
      }
    }
  }

  /// Lines that came at once, as only a paste brings them, are one prompt.
  private func pasted(_ first: [UInt8]) throws -> [UInt8]? {
    var text = first
    if !isTyped || first.isEmpty || first.first == UInt8(ascii: "/") { return text }
    while plain?.hasMore == true || Terminal.hasInput(0, within: Self.patience) {
      switch try read(". ") {
      case .line(let line): text += [10] + line
      case .end: return text
      case .interrupted:
        try begunAnew()
        return nil
      }
    }
    return text
  }

  /// Milliseconds from one pasted line to the next.
  private static let patience: Int32 = 5

  private func begunAnew() throws {
    if !isTyped || Interruption.signal != Self.interrupt { throw Interrupted() }
    Interruption.clear()
    if editor == nil { try console.answer(line: "") }
    try console.flush()
  }

  private func read(_ prompt: String) throws -> InputLines.Next {
    lineNumber += 1
    if let editor {
      let next = editor.read(prompt: prompt)
      if case .line(let line) = next { editor.remember(line) }
      return next
    }
    return try plain?.read(prompt: prompt) ?? lines.read()
  }
}

/// What Tab offers: commands, and behind them what they take. A prompt is the user's own.
enum ReplCompletion {
  /// - Parameters:
  ///   - line: up to the cursor.
  ///   - wordStart: where the word begins that is to be completed.
  static func candidates(_ line: [UInt8], wordStart: Int) -> [[UInt8]] {
    guard line.first == UInt8(ascii: "/"), wordStart <= line.count else { return [] }
    let word = Array(line[wordStart...])
    if wordStart == 0 { return fitting(ReplVerb.all.map { "/" + $0.name }, word) }
    let before = line[..<wordStart].split(separator: 0x20).map { String(decoding: $0, as: UTF8.self) }
    guard let verb = before.first.flatMap({ ReplVerb.named(String($0.dropFirst())) }) else { return [] }
    switch verb.completion {
    case .nothing: return []
    case .files: return before.count == 1 ? files(word) : []
    case .choices(let words): return fitting(before.count == 1 ? words : ReplSettings.choices(of: before[1]), word)
    }
  }

  private static func fitting(_ words: [String], _ typed: [UInt8]) -> [[UInt8]] {
    words.map { Array($0.utf8) }.filter { $0.starts(with: typed) }
  }

  /// Names in the folder that was begun; folders end in a slash. Hidden ones only where a dot was typed.
  private static func files(_ typed: [UInt8]) -> [[UInt8]] {
    let slash = UInt8(ascii: "/"), dot = UInt8(ascii: ".")
    let split = typed.lastIndex(of: slash).map { $0 + 1 } ?? 0
    let folder = Array(typed[..<split]), beginning = typed[split...]
    let found = (try? Files.list(folder.isEmpty ? "." : Path(bytes: folder))) ?? []
    return found.compactMap { path in
      if !path.name.starts(with: beginning) || (path.name.first == dot && beginning.first != dot) { return nil }
      return folder + path.name + (Files.kind(path) == .folder ? [slash] : [])
    }
  }
}
