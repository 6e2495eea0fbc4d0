// /set and /show: the flags of `minigpt repl`, changed while it runs.

internal import MiniGPT

extension ReplVerb {
  static let settings = [
    ReplVerb(
      name: "set", usage: "NAME VALUE", summary: "changes a setting; VALUE default takes it back",
      completion: .choices(ReplSettings.names)
    ) { conversation, rest in try ReplSettings.set(rest, in: conversation) },
    ReplVerb(name: "show", usage: "", summary: "the model and all settings") { conversation, _ in
      try conversation.console.answer(table: ReplSettings.rows(conversation))
    },
  ]
}

/// The settings of a conversation, which are options of its command.
enum ReplSettings {
  private static let options = ReplCommand.options.filter {
    !["model", "threads", "commands", "quiet", "weights"].contains($0.name)
  }

  static let names = options.map(\.name)

  /// The values that a switch or a choice may have.
  static func choices(of name: String) -> [String] {
    guard let option = option(name) else { return [] }
    if case .choices(let words) = option.completion { return words }
    return option.takesValue ? [] : ["on", "off"]
  }

  private static func option(_ typed: String) -> Option<ReplCommand>? {
    let name = spelled(typed.utf8.drop { $0 == UInt8(ascii: "-") })
    return options.first { $0.names.contains(name) || $0.short.map { String($0) == name } ?? false }
  }

  /// `NAME VALUE`, `NAME=VALUE`; a switch alone is turned on, another name alone is shown.
  static func set(_ rest: [UInt8], in conversation: Conversation) throws {
    let name = rest.prefix { $0 != 0x20 && $0 != 9 && $0 != UInt8(ascii: "=") }
    if name.isEmpty { throw ReplError.needs(command: "set", what: "the name of a setting and its value") }
    guard let option = option(String(decoding: name, as: UTF8.self)) else {
      let near = nearest(to: spelled(name), in: options.flatMap(\.names))
      throw ReplError.unknownSetting(Array(name), nearest: near)
    }
    var value = trimmed(rest[name.count...])
    if value.first == UInt8(ascii: "=") { value = trimmed(value.dropFirst()) }
    if !value.isEmpty || !option.takesValue { try change(option, value, conversation) }
    if option.name == "seed" { return conversation.console.note("seed: \(conversation.seed)") }
    conversation.console.note("\(option.name): \(shown(option, conversation.settings))")
  }

  private static func change(_ option: Option<ReplCommand>, _ value: [UInt8], _ conversation: Conversation) throws {
    let usual = ReplCommand()
    var settings = conversation.settings
    func reset() {
      option.clear(&settings)
      for value in option.show(usual) { _ = option.set(&settings, value) }
    }
    let word = String(decoding: value, as: UTF8.self)
    if word == "default" {
      reset()
    } else if !option.takesValue {
      switch word {
      case "", "on", "yes", "true": _ = option.set(&settings, [])
      case "off", "no", "false": option.clear(&settings)
      default: throw ReplError.badValue(setting: option.name, expectation: "on or off", found: value)
      }
    } else if option.repeats && word == "off" {
      option.clear(&settings)
    } else if !option.set(&settings, option.repeats ? unescaped(value) : value) {
      throw ReplError.badValue(setting: option.name, expectation: option.expectation, found: value)
    }
    try settings.validate()
    conversation.settings = settings
    conversation.console.isRaw = settings.raw
    if option.name == "seed" {
      conversation.seed = settings.seed ?? conversation.seed
      conversation.sample = 0
    }
  }

  /// `\n`, `\t` and `\\` in a text that must be typed on one line.
  private static func unescaped(_ bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    var index = 0
    while index < bytes.count {
      let next = index + 1 < bytes.count ? bytes[index + 1] : 0
      let known: [UInt8: UInt8] = [UInt8(ascii: "n"): 10, UInt8(ascii: "t"): 9, UInt8(ascii: "\\"): UInt8(ascii: "\\")]
      if bytes[index] == UInt8(ascii: "\\"), let meant = known[next] {
        result.append(meant)
        index += 2
      } else {
        result.append(bytes[index])
        index += 1
      }
    }
    return result
  }

  private static func shown(_ option: Option<ReplCommand>, _ settings: ReplCommand) -> String {
    let values = option.show(settings)
    if !option.takesValue { return values.isEmpty ? "off" : "on" }
    return values.isEmpty ? option.fallback ?? "" : values.map { printable($0) }.joined(separator: ", ")
  }

  static func rows(_ conversation: Conversation) -> [(String, String)] {
    let shape = conversation.checkpoint.configuration
    var rows = [
      ("model", printable("\(conversation.choice.path)")),
      ("parameters", grouped(shape.parameterCount)), ("vocabulary", grouped(shape.vocabularySize)),
      ("context", grouped(shape.context)),
    ]
    for option in options {
      rows.append((option.name, option.name == "seed" ? "\(conversation.seed)" : shown(option, conversation.settings)))
    }
    return rows
  }
}
