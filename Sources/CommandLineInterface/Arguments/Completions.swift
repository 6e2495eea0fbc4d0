internal import MiniGPT

/// The shells that `minigpt completions` writes for.
enum Shell: String, CaseIterable, Sendable {
  case bash, zsh, fish
}

/// Scripts that let a shell complete minigpt's commands, flags and values, made from the declarations.
struct Completions {
  /// A command as a shell needs to know it.
  private struct Entry {
    let name: String
    let summary: String
    let words: Completion
    let options: [(flag: String, value: Completion?, help: String)]
  }

  private let entries: [Entry]

  init(_ commands: [any Command.Type]) {
    entries = commands.flatMap { Self.entries($0) }
  }

  func script(for shell: Shell) -> String {
    switch shell {
    case .bash: bash
    case .zsh: zsh
    case .fish: fish
    }
  }

  private static func entries<C: Command>(_ type: C.Type) -> [Entry] {
    var options = C.options.flatMap { option in
      option.names.map { (flag: "--" + $0, value: option.takesValue ? option.completion : nil, help: option.help) }
        + (option.short.map {
          [(flag: "-" + String($0), value: option.takesValue ? option.completion : nil, help: option.help)]
        } ?? [])
    }
    options.append((flag: "--config", value: .files, help: "flags from a JSON file"))
    options.append((flag: "--help", value: nil, help: "what the command does, and its flags"))
    return C.names.map { Entry(name: $0, summary: C.summary, words: C.words.completion, options: options) }
  }

  /// The first words of all commands, each once, with what they do.
  private var firstWords: [(word: String, help: String)] {
    var seen: Set<String> = []
    return entries.compactMap { entry in
      let parts = entry.name.split(separator: " ")
      guard let first = parts.first.map(String.init), seen.insert(first).inserted else { return nil }
      return (first, parts.count == 1 ? entry.summary : "commands for \(first)s")
    }
  }

  /// The second words of commands that have two, by their first.
  private var families: [(word: String, members: [String])] {
    firstWords.compactMap { first in
      let members = entries.map { $0.name.split(separator: " ").map(String.init) }
        .filter { $0.count == 2 && $0[0] == first.word }.map { $0[1] }
      return members.isEmpty ? nil : (first.word, members)
    }
  }

  private var bash: String {
    var text = """
      # bash completion for minigpt: put `eval "$(minigpt completions bash)"` into ~/.bashrc
      _minigpt() {
        local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]} flags= words=
        # Bash cuts --flag=value into three words.
        if [[ $word == "=" ]]; then word=
        elif [[ $before == "=" ]]; then before=${COMP_WORDS[COMP_CWORD-2]}; fi
        COMPREPLY=()
        if ((COMP_CWORD == 1)); then
          COMPREPLY=($(compgen -W "\(firstWords.map(\.word).joined(separator: " ")) help --help --version" -- "$word"))
          return
        fi
        case $command in

      """
    for family in families {
      text += """
          \(family.word))
            if ((COMP_CWORD == 2)); then
              COMPREPLY=($(compgen -W "\(family.members.joined(separator: " ")) --help" -- "$word"))
              return
            fi
            command="$command ${COMP_WORDS[2]}" ;;

        """
    }
    text += "  esac\n  case $command in\n"
    for entry in entries {
      text += "    \"\(entry.name)\")\n      case $before in\n"
      text += bashValues(entry)
      text += "      esac\n"
      text += "      flags=\"\(entry.options.map(\.flag).joined(separator: " "))\"\n"
      switch entry.words {
      case .choices(let choices): text += "      words=\"\(choices.joined(separator: " "))\" ;;\n"
      case .files: text += "      words=: ;;\n"
      case .nothing: text += "      ;;\n"
      }
    }
    text += """
        help) words="\(firstWords.map(\.word).joined(separator: " "))" ;;
        esac
        if [[ $word == -* ]]; then COMPREPLY=($(compgen -W "$flags" -- "$word"))
        elif [[ $words == : ]]; then compopt -o filenames; COMPREPLY=($(compgen -f -- "$word"))
        else COMPREPLY=($(compgen -W "$words" -- "$word")); fi
      }
      complete -F _minigpt minigpt

      """
    return text
  }

  /// What may stand behind each flag that takes a value; equal ones share a line.
  private func bashValues(_ entry: Entry) -> String {
    func flags(_ wanted: (Completion) -> Bool) -> String {
      entry.options.filter { $0.value.map(wanted) ?? false }.map(\.flag).joined(separator: "|")
    }
    var text = ""
    let plain = flags { $0 == .nothing }
    if !plain.isEmpty { text += "        \(plain)) return ;;\n" }
    text +=
      "        \(flags { $0 == .files })) compopt -o filenames; COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n"
    for option in entry.options {
      guard case .choices(let choices)? = option.value else { continue }
      let list = choices.joined(separator: " ")
      text += "        \(option.flag)) COMPREPLY=($(compgen -W \"\(list)\" -- \"$word\")); return ;;\n"
    }
    return text
  }

  private var zsh: String {
    var text = """
      #compdef minigpt
      # zsh completion for minigpt: save as _minigpt in a folder of $fpath, or put
      # `source <(minigpt completions zsh)` into ~/.zshrc behind compinit
      _minigpt() {
        local name=$words[2] skip=2
        if ((CURRENT == 2)); then
          local -a commands=(

      """
    for first in firstWords { text += "      \(zshQuoted(first.word + ":" + first.help))\n" }
    text += "    )\n    _describe command commands\n    return\n  fi\n  case $name in\n"
    for family in families {
      text += "    \(family.word))\n"
      text += "      if ((CURRENT == 3)); then compadd -- \(family.members.joined(separator: " ")); return; fi\n"
      text += "      name=\"$name $words[3]\" skip=3 ;;\n"
    }
    text += """
        help) compadd -- \(firstWords.map(\.word).joined(separator: " ")); return ;;
        esac
        words=("${(@)words[1]}" "${(@)words[skip+1,-1]}")
        ((CURRENT -= skip - 1))
        case $name in

      """
    for entry in entries {
      text += "    \"\(entry.name)\") _arguments"
      for option in entry.options {
        let help = option.help.filter { !"[]:".contains($0) }
        let value = option.value.map { ":value:" + zshAction($0) } ?? ""
        text += " \\\n      " + zshQuoted("*\(option.flag)\(value.isEmpty ? "" : "=")[\(help)]\(value)")
      }
      text += " \\\n      " + zshQuoted("*:word:" + zshAction(entry.words)) + " ;;\n"
    }
    text += "  esac\n}\nif [[ $funcstack[1] == _minigpt ]]; then _minigpt \"$@\"; else compdef _minigpt minigpt; fi\n"
    return text
  }

  private func zshAction(_ completion: Completion) -> String {
    switch completion {
    case .nothing: " "
    case .files: "_files"
    case .choices(let choices): "(" + choices.joined(separator: " ") + ")"
    }
  }

  private func zshQuoted(_ text: String) -> String {
    String(decoding: shellQuoted(Array(text.utf8)), as: UTF8.self)
  }

  private var fish: String {
    var text = """
      # fish completion for minigpt: minigpt completions fish > ~/.config/fish/completions/minigpt.fish
      complete -c minigpt -f
      complete -c minigpt -n __fish_use_subcommand -l help -d 'this program in short'
      complete -c minigpt -n __fish_use_subcommand -l version -d 'the version'

      """
    for first in firstWords {
      text += "complete -c minigpt -n __fish_use_subcommand -a \(first.word) -d \(fishQuoted(first.help))\n"
    }
    for family in families {
      let members = family.members.joined(separator: " ")
      text += "complete -c minigpt -n '__fish_seen_subcommand_from \(family.word);"
      text += " and not __fish_seen_subcommand_from \(members)' -a '\(members)'\n"
    }
    let all = firstWords.map(\.word).joined(separator: " ")
    text += "complete -c minigpt -n '__fish_seen_subcommand_from help' -a '\(all)'\n"
    for entry in entries {
      let parts = entry.name.split(separator: " ").map { "__fish_seen_subcommand_from \($0)" }
      // `train` alone must not answer for `tokenizer train`.
      let others =
        parts.count == 1 ? (families.map(\.word) + ["help"]).map { "; and not __fish_seen_subcommand_from \($0)" } : []
      let condition = "'" + parts.joined(separator: "; and ") + others.joined() + "'"
      if entry.words == .files { text += "complete -c minigpt -n \(condition) -F\n" }
      if case .choices(let choices) = entry.words {
        text += "complete -c minigpt -n \(condition) -a '\(choices.joined(separator: " "))'\n"
      }
      for option in entry.options {
        let name = option.flag.hasPrefix("--") ? "-l " + option.flag.dropFirst(2) : "-s " + option.flag.dropFirst(1)
        var line = "complete -c minigpt -n \(condition) \(name)"
        switch option.value {
        case nil: break
        case .nothing?: line += " -x"
        case .files?: line += " -r -F"
        case .choices(let choices)?: line += " -x -a '\(choices.joined(separator: " "))'"
        }
        text += line + " -d \(fishQuoted(option.help))\n"
      }
    }
    return text
  }

  private func fishQuoted(_ text: String) -> String {
    "'" + text.flatMap { $0 == "'" || $0 == "\\" ? ["\\", $0] : [$0] } + "'"
  }
}
