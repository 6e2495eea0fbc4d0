/// Help as text, made from the declarations and laid out for a terminal's width.
struct HelpText {
  /// Columns; at least 40.
  let width: Int

  init(width: Int) { self.width = max(40, width) }

  /// `minigpt COMMAND --help`.
  func command<C: Command>(_ type: C.Type) -> String {
    let usage = ["Usage: minigpt", C.name, C.words.usage, "[flags]"].filter { !$0.isEmpty }
    var lines = wrapped(usage.joined(separator: " "), 0, hanging: 7)
    if C.names.count > 1 {
      lines.append("Also:  " + C.names.dropFirst().map { "minigpt " + $0 }.joined(separator: ", "))
    }
    for paragraph in C.discussion.split(separator: "\n", omittingEmptySubsequences: true) {
      lines += [""] + wrapped(String(paragraph), 0)
    }
    for section in C.sections where !section.options.isEmpty {
      lines += ["", section.title]
      for option in section.options { lines += entry(spelling(option), description(option, C())) }
    }
    lines += ["", "Always"]
    lines += entry("--config FILE", "flags from a JSON file, overridden by those typed")
    lines += entry("-h, --help", "this text")
    return lines.joined(separator: "\n") + "\n"
  }

  /// `minigpt --help`.
  func program(_ commands: [any Command.Type]) -> String {
    var lines = wrapped("minigpt turns a text file into a language model, and the model back into text.", 0)
    lines += ["", "Usage: minigpt COMMAND [flags]", "", "Commands"]
    for command in commands { lines += entry(command.name, command.summary) }
    lines += ["", "To begin"]
    lines += ["  minigpt train corpora/shakespeare.txt", "  minigpt sample --temp 0.8", "  minigpt"]
    lines += ["", "Always"]
    lines += entry("COMMAND --help", "what a command does, and every flag with its default")
    lines += entry("--help, --version", "this text; the version")
    lines += [""]
    lines += wrapped("Without a command, minigpt talks: the same as minigpt repl.", 0)
    return lines.joined(separator: "\n") + "\n"
  }

  /// `minigpt tokenizer --help`: the commands that begin with a word.
  func family(_ name: String, _ members: [any Command.Type]) -> String {
    var lines = ["Usage: minigpt \(name) COMMAND [flags]", "", "Commands"]
    for command in members { lines += entry(command.name, command.summary) }
    lines += [""] + wrapped("minigpt \(members.first?.name ?? name) --help shows the flags of one of them.", 0)
    return lines.joined(separator: "\n") + "\n"
  }

  private func spelling<C>(_ option: Option<C>) -> String {
    let names = (option.short.map { ["-" + String($0)] } ?? []) + option.names.map { "--" + $0 }
    return names.joined(separator: ", ") + (option.placeholder.map { " " + $0 } ?? "")
  }

  private func description<C>(_ option: Option<C>, _ defaults: C) -> String {
    var notes: [String] = []
    if option.repeats { notes.append("may repeat") }
    if option.takesValue {
      let value = option.show(defaults).map { printable($0) }.joined(separator: " ")
      notes.append("default: " + (option.fallback ?? value))
    }
    return option.help + (notes.isEmpty ? "" : " (" + notes.joined(separator: "; ") + ")")
  }

  /// What is described on the left, the description beside it, or below where there is no room.
  private func entry(_ left: String, _ right: String) -> [String] {
    let column = width < 64 ? 6 : 26
    if width < 64 || left.count > column - 4 {
      return wrapped(left, 2, hanging: 6) + wrapped(right, column)
    }
    var lines = wrapped(right, column)
    lines[0] = "  " + left + String(repeating: " ", count: column - 2 - left.count) + lines[0].dropFirst(column)
    return lines
  }

  /// Lines of at most `width` columns, indented; a word that is longer stands alone and sticks out.
  private func wrapped(_ text: String, _ indent: Int, hanging: Int? = nil) -> [String] {
    var lines: [String] = []
    var line = ""
    var margin = indent
    for word in text.split(separator: " ") {
      if !line.isEmpty, margin + line.count + 1 + word.count > width {
        lines.append(String(repeating: " ", count: margin) + line)
        line = ""
        margin = hanging ?? indent
      }
      line += (line.isEmpty ? "" : " ") + word
    }
    return lines + [String(repeating: " ", count: margin) + line]
  }
}
