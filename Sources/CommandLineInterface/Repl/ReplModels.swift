// /load and /reload.

internal import MiniGPT

extension ReplVerb {
  static let models = [
    ReplVerb(name: "load", usage: "FILE", summary: "takes another model", completion: .files) { conversation, rest in
      if rest.isEmpty { throw ReplError.needs(command: "load", what: "the name of a checkpoint") }
      try conversation.load(ModelChoice(rest))
      conversation.settings.model = rest
    },
    ReplVerb(name: "reload", usage: "", summary: "takes the newest state of the model") { conversation, _ in
      try conversation.load(ModelChoice(conversation.settings.model))
    },
  ]
}

/// What a model is and does, in one line.
enum ModelIntroduction {
  static func line(_ checkpoint: Checkpoint) -> String {
    var text = printable(checkpoint.path.stem) + ": \(rounded(checkpoint.configuration.parameterCount)) parameters"
    if let record = checkpoint.record {
      text += ", \(grouped(record.step)) step\(record.step == 1 ? "" : "s")"
      if record.isVerse {
        text += " over verse: it goes on in verse of that manner, and answers no question"
      } else if record.configuration.lines {
        text += " over single lines: it goes on with a line in their manner, and answers no question"
      } else {
        text += " over one text: it goes on in its manner, and answers no question"
      }
    } else {
      text += ": it goes on with what you type, and answers no question"
    }
    return text
  }

  /// "831", "64.5 thousand", "1.1 million".
  private static func rounded(_ count: Int) -> String {
    if count < 1000 { return "\(count)" }
    if count < 1_000_000 { return fixed(Double(count) / 1e3, 1) + " thousand" }
    return fixed(Double(count) / 1e6, 1) + " million"
  }
}
