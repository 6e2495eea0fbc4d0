/// Turns words into a command, by its declaration.
struct ArgumentParser<C: Command> {
  private(set) var command = C()
  /// Where `--config` points; read by the caller, which has the file.
  private(set) var configuration: [UInt8]?
  private(set) var wantsHelp = false
  private var given: Set<String> = []
  private var words: [[UInt8]] = []

  /// Reads the arguments behind the command's name.
  mutating func parse(_ arguments: ArraySlice<[UInt8]>) throws {
    var rest = arguments
    while let argument = rest.popFirst() {
      if argument.elementsEqual("--".utf8) {
        words += rest
        return
      } else if argument.starts(with: "--".utf8) {
        try long(argument, &rest)
      } else if argument.first == UInt8(ascii: "-"), argument.count > 1 {
        try short(argument, &rest)
      } else {
        words.append(argument)
      }
      if wantsHelp { return }
    }
  }

  /// Hands over the words and checks everything that flags alone show.
  mutating func finish() throws -> C {
    try refuseSlips()
    let allowed = C.words.count
    if words.count < allowed.lowerBound { throw UsageError.wordMissing(command: C.name, what: C.words.what) }
    if words.count > allowed.upperBound {
      throw UsageError.wordTooMany(command: C.name, word: words[allowed.upperBound], allowed: allowed.upperBound)
    }
    try command.take(words)
    try command.validate()
    return command
  }

  /// What editors and shells make of a flag or a name, and no one means.
  private func refuseSlips() throws {
    for word in words where !isFile(word) {
      // U+2012 to U+2015 and U+2212.
      let dashes = [
        [0xE2, 0x80, 0x92], [0xE2, 0x80, 0x93], [0xE2, 0x80, 0x94], [0xE2, 0x80, 0x95], [0xE2, 0x88, 0x92],
      ]
      guard dashes.contains(where: { word.starts(with: $0.map { UInt8($0) }) }) else { continue }
      let name = spelled(word.dropFirst(3).prefix { $0 != UInt8(ascii: "=") })
      if let option = C.options.first(where: { $0.names.contains(name) }) {
        throw UsageError.longDash(word, flag: option.flag)
      }
    }
    if let first = words.first, words.count > 1, !isFile(first) {
      let name = Array(words.joined(separator: [0x20]))
      if isFile(name) { throw UsageError.unquotedName(name) }
    }
  }

  /// Stores a value that a configuration file gives, unless a flag has given one already.
  mutating func fill(_ option: Option<C>, _ values: [[UInt8]]) throws {
    if given.contains(option.name) { return }
    for value in values { try store(option, value) }
  }

  private mutating func long(_ argument: [UInt8], _ rest: inout ArraySlice<[UInt8]>) throws {
    let equals = argument.firstIndex(of: UInt8(ascii: "="))
    let typed = Array(argument[..<(equals ?? argument.endIndex)])
    let value = equals.map { Array(argument[($0 + 1)...]) }
    let name = spelled(typed.dropFirst(2))
    if name == "help" {
      if value != nil { throw UsageError.valueNotWanted(flag: "--help") }
      wantsHelp = true
    } else if name == "config" {
      if configuration != nil { throw UsageError.givenTwice(flag: "--config") }
      if let value { configuration = value } else { configuration = try next("--config", "the name of a file", &rest) }
    } else if let option = C.options.first(where: { $0.names.contains(name) }) {
      try accept(option, value, &rest)
    } else {
      let known = C.options.flatMap(\.names) + ["help", "config"]
      throw UsageError.unknownFlag(typed, command: C.name, nearest: nearest(to: name, in: known).map { "--" + $0 })
    }
  }

  /// `-n 5`, `-n5` and `-n=5`.
  private mutating func short(_ argument: [UInt8], _ rest: inout ArraySlice<[UInt8]>) throws {
    let letter = Character(Unicode.Scalar(argument[1]))
    if letter == "h", argument.count == 2 {
      wantsHelp = true
      return
    }
    guard let option = C.options.first(where: { $0.short == letter }), option.takesValue || argument.count == 2 else {
      let typed = spelled(argument.dropFirst())
      let near = nearest(to: typed, in: C.options.flatMap(\.names) + ["help", "config"])
      throw UsageError.unknownFlag(argument, command: C.name, nearest: near.map { "--" + $0 })
    }
    var value = argument[2...]
    if value.first == UInt8(ascii: "=") { value = value.dropFirst() }
    try accept(option, argument.count == 2 ? nil : Array(value), &rest)
  }

  private mutating func accept(
    _ option: Option<C>, _ value: [UInt8]?, _ rest: inout ArraySlice<[UInt8]>
  ) throws {
    if !given.insert(option.name).inserted, !option.repeats { throw UsageError.givenTwice(flag: option.flag) }
    if !option.takesValue {
      if value != nil { throw UsageError.valueNotWanted(flag: option.flag) }
      try store(option, [])
    } else if let value {
      try store(option, value)
    } else {
      try store(option, next(option.flag, option.expectation, &rest))
    }
  }

  private mutating func store(_ option: Option<C>, _ value: [UInt8]) throws {
    if !option.set(&command, value) {
      throw UsageError.badValue(flag: option.flag, expectation: option.expectation, found: value)
    }
  }

  /// The argument behind a flag, unless that is itself a flag of this command: then the value was forgotten.
  private func next(
    _ flag: String, _ expectation: String, _ rest: inout ArraySlice<[UInt8]>
  ) throws -> [UInt8] {
    guard let value = rest.popFirst() else {
      throw UsageError.missingValue(flag: flag, expectation: expectation, found: nil)
    }
    if isFlag(value) { throw UsageError.missingValue(flag: flag, expectation: expectation, found: value) }
    return value
  }

  private func isFlag(_ argument: [UInt8]) -> Bool {
    if argument.starts(with: "--".utf8) {
      let name = spelled(argument.prefix { $0 != UInt8(ascii: "=") }.dropFirst(2))
      return name.isEmpty || ["help", "config"].contains(name) || C.options.contains { $0.names.contains(name) }
    }
    guard argument.count == 2, argument[0] == UInt8(ascii: "-") else { return false }
    return C.options.contains { $0.short == Character(Unicode.Scalar(argument[1])) }
  }
}

/// A flag's name as it is declared: `_` counts as `-`.
func spelled(_ bytes: some Sequence<UInt8>) -> String {
  String(decoding: bytes.map { $0 == UInt8(ascii: "_") ? UInt8(ascii: "-") : $0 }, as: UTF8.self)
}
