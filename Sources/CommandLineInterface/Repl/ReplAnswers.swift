internal import MiniGPT

// /regen, /clear, /seed, /help and /quit.

internal import MiniGPTPlatform

extension ReplVerb {
  static let answers = [
    ReplVerb(name: "regen", usage: "", summary: "another answer to the last prompt") { conversation, _ in
      guard let prompt = conversation.prompt else { throw ReplError.noPrompt(command: "regen") }
      try conversation.begin(prompt)
    },
    ReplVerb(name: "clear", usage: "", summary: "forgets the last prompt and its answer") { conversation, _ in
      conversation.forget()
    },
    ReplVerb(name: "seed", usage: "[N]", summary: "begins again with seed N, or with a drawn one") {
      conversation, rest in
      if rest.isEmpty {
        conversation.seed = RandomSeed.draw()
      } else {
        guard let seed = ValueKind<UInt64>.seed.parse(rest) else {
          throw ReplError.badValue(setting: "seed", expectation: ValueKind<UInt64>.seed.expectation, found: rest)
        }
        conversation.seed = seed
      }
      conversation.sample = 0
      conversation.console.note("seed: \(conversation.seed)")
    },
    ReplVerb(name: "help", usage: "", summary: "this list") { conversation, _ in
      for row in helpRows(width: min(80, Terminal.width(1))) { try conversation.console.answer(line: row) }
    },
    ReplVerb(name: "quit", usage: "", summary: "leaves, as Ctrl-D does") { conversation, _ in conversation.isOver = true
    },
  ]

  private static func helpRows(width: Int) -> [String] {
    let left = all.map { "/" + $0.name + ($0.usage.isEmpty ? "" : " " + $0.usage) }
    let column = (left.map(\.count).max() ?? 0) + 2
    var rows = [
      "A line is a prompt. An empty line lets the model go on. \"\"\" begins and ends a prompt of several lines; lines "
        + "pasted together are one. // begins a prompt with a slash."
    ].flatMap { TextColumns.wrapped($0, width: width) }
    for (name, verb) in zip(left, all) {
      let lines = TextColumns.wrapped(verb.summary, width: max(16, width - column))
      for (index, line) in lines.enumerated() {
        let head = index == 0 ? name : ""
        rows.append(head + String(repeating: " ", count: column - head.count) + line)
      }
    }
    return rows
  }
}
