internal import MiniGPT
internal import MiniGPTPlatform

/// What a REPL remembers between two lines, and what it does with each. Where lines come from is not its business.
///
/// Each prompt begins anew; an empty line goes on where the last answer stopped. The n-th answer of a seed draws the
/// numbers of sample n. Commands are in files of their own, by group.
final class Conversation {
  let console: Console
  let takesCommands: Bool
  /// The flags as they stand now.
  var settings: ReplCommand
  private(set) var choice: ModelChoice
  private(set) var checkpoint: Checkpoint
  private(set) var speaker: Speaker
  private let machine: Machine
  var seed: UInt64
  /// Answers given with this seed.
  var sample = 0
  /// The tokens of the last prompt, and of what was said to it.
  private(set) var prompt: [Int32]?
  private(set) var said: [Int32] = []
  private var notice: WindowNotice
  var isOver = false

  init(_ settings: ReplCommand, _ console: Console, takesCommands: Bool) throws {
    self.console = console
    self.settings = settings
    self.takesCommands = takesCommands
    machine = try Machine(threads: settings.threads, console)
    choice = try ModelChoice(settings.model).announced(on: console)
    checkpoint = try choice.open()
    speaker = try Speaker(checkpoint, machine, weights: settings.weights)
    notice = WindowNotice(speaker.context)
    seed = settings.seed ?? RandomSeed.draw()
    if !settings.sampling.isGreedy { console.note("seed: \(seed)") }
    if console.isInteractive { introduce() }
  }

  /// Does what a line asks for.
  func take(_ line: [UInt8]) throws {
    if console.isInteractive, ["exit", "quit", "help"].contains(String(decoding: line, as: UTF8.self)) {
      return console.note("/quit leaves, /help lists the commands")
    }
    if takesCommands {
      if line.isEmpty { return try goOn() }
      if line.first == UInt8(ascii: "/") {
        if line.dropFirst().first != UInt8(ascii: "/") { return try obey(line) }
        // A prompt that begins with a slash has two of them.
        return try begin(Array(line.dropFirst()))
      }
    }
    try begin(line)
  }

  // MARK: - Answers

  private func begin(_ text: [UInt8]) throws {
    try begin(try speaker.tokenizer.encode(text, allowSpecial: settings.sampling.allowsSpecial))
  }

  /// Answers a prompt, which may have been answered before.
  func begin(_ ids: [Int32]) throws {
    prompt = ids
    said = []
    try answer(ids)
  }

  /// An empty line.
  private func goOn() throws {
    guard let prompt else { return }
    try answer(prompt + said)
  }

  private func answer(_ ids: [Int32]) throws {
    notice.begin(ids.count, console)
    let answer = try speaker.say(ids, settings.sampling, seed: seed, sample: sample, to: console)
    sample += 1
    said += answer.tokens
    notice.end(ids.count + answer.tokens.count, console)
    if settings.footer {
      let count = answer.tokens.count
      console.note("(\(grouped(count)) token\(count == 1 ? "" : "s"), \(fixed(answer.speed, 0)) a second)")
    }
  }

  func forget() {
    prompt = nil
    said = []
  }

  // MARK: - Models

  /// Takes another model, or a newer state of the same. The old one stays until the new one is whole.
  func load(_ choice: ModelChoice) throws {
    let checkpoint = try choice.open()
    let speaker = try Speaker(checkpoint, machine, weights: settings.weights)
    self.choice = choice
    self.checkpoint = checkpoint
    self.speaker = speaker
    notice = WindowNotice(speaker.context)
    forget()
    introduce()
  }

  func introduce() { console.note(wrapping: ModelIntroduction.line(checkpoint)) }

  /// Tokens of another text of the user.
  func encode(_ text: [UInt8]) throws -> [Int32] {
    try speaker.tokenizer.encode(text, allowSpecial: settings.sampling.allowsSpecial)
  }

  // MARK: - Commands

  private func obey(_ line: [UInt8]) throws {
    let name = line.prefix { $0 != 0x20 && $0 != 9 }
    let rest = trimmed(line[name.count...])
    let typed = String(decoding: name.dropFirst(), as: UTF8.self)
    guard let verb = ReplVerb.named(typed) else {
      // What leaves other programs leaves this one too.
      let near = typed == "exit" ? "quit" : nearest(to: typed, in: ReplVerb.all.map(\.name))
      throw ReplError.unknownCommand(Array(name), nearest: near.map { "/" + $0 })
    }
    try verb.run(self, rest)
  }
}

/// A command of the REPL, by its name without the slash.
struct ReplVerb: Sendable {
  let name: String
  /// What stands behind the name: `[N]`, `FILE`.
  let usage: String
  let summary: String
  /// What Tab offers behind the name.
  var completion = Completion.nothing
  /// Does it, given the rest of the line without white space at its ends.
  let run: @Sendable (Conversation, [UInt8]) throws -> Void

  /// In the order in which /help lists them.
  static let all = answers + settings + models + looks

  /// By its name or, where only one fits, by a beginning of it.
  static func named(_ typed: String) -> ReplVerb? {
    if let verb = all.first(where: { $0.name == typed }) { return verb }
    let fitting = typed.isEmpty ? [] : all.filter { $0.name.hasPrefix(typed) }
    return fitting.count == 1 ? fitting[0] : nil
  }
}

/// What cannot be done in a REPL. All wording is here.
enum ReplError: Error, CustomStringConvertible {
  case unknownCommand([UInt8], nearest: String?)
  case unknownSetting([UInt8], nearest: String?)
  case badValue(setting: String, expectation: String, found: [UInt8])
  case needs(command: String, what: String)
  case noPrompt(command: String)

  var description: String {
    switch self {
    case .unknownCommand(let name, let nearest):
      "there is no command \(quoted(name))\(suggestion(nearest)) (/help lists them, // begins a prompt with a slash)"
    case .unknownSetting(let name, let nearest):
      "there is no setting \(quoted(name))\(suggestion(nearest)) (/show lists them)"
    case .badValue(let setting, let expectation, let found): "\(setting) needs \(expectation), not \(quoted(found))"
    case .needs(let command, let what): "/\(command) needs \(what)"
    case .noPrompt(let command): "/\(command) needs a prompt first"
    }
  }
}

/// Without blanks and tabs at both ends.
func trimmed(_ bytes: some BidirectionalCollection<UInt8>) -> [UInt8] {
  let isBlank: (UInt8) -> Bool = { $0 == 0x20 || $0 == 9 }
  return Array(Array(bytes.drop(while: isBlank)).reversed().drop(while: isBlank).reversed())
}
