internal import MiniGPT

/// `minigpt completions SHELL`.
struct CompletionsCommand: Command {
  var shell = Shell.bash

  static let names = ["completions"]
  static let summary = "completion for your shell"
  static let discussion = """
    Prints a script that completes commands, flags and values. For bash, put \
    eval "$(minigpt completions bash)" into ~/.bashrc; the scripts for zsh and fish say in their first lines where \
    they go.
    """
  static let words = Words(
    "bash|zsh|fish", 1...1, "the name of a shell: bash, zsh or fish",
    completion: .choices(Shell.allCases.map(\.rawValue)))
  static let sections: [Section<Self>] = []

  mutating func take(_ words: [[UInt8]]) throws {
    let kind = ValueKind<Shell>.choice
    guard let word = words.first, let shell = kind.parse(word) else {
      throw UsageError.badValue(flag: Self.name, expectation: kind.expectation, found: words.first ?? [])
    }
    self.shell = shell
  }

  func run(_ console: Console) throws {
    try console.answer(Array(Completions(Program.commands).script(for: shell).utf8))
  }
}
