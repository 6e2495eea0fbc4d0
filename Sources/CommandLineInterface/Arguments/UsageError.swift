internal import MiniGPT

/// A command that was typed wrongly, as its words alone show: exit status 2.
///
/// All wording is here. Each message is one line, whatever bytes were typed.
enum UsageError: Error, CustomStringConvertible {
  case unknownCommand([UInt8], nearest: String?)
  case unknownFlag([UInt8], command: String, nearest: String?)
  case missingValue(flag: String, expectation: String, found: [UInt8]?)
  case valueNotWanted(flag: String)
  case badValue(flag: String, expectation: String, found: [UInt8])
  case givenTwice(flag: String)
  /// A word processor made one long dash of two short ones.
  case longDash([UInt8], flag: String)
  /// Several words that are together the name of a file.
  case unquotedName([UInt8])
  case wordMissing(command: String, what: String)
  case wordTooMany(command: String, word: [UInt8], allowed: Int)
  case subcommandMissing(command: String, choices: [String])
  /// Flags that cannot be obeyed together, or a value that no run could have: a full sentence.
  case contradiction(String)

  var description: String {
    switch self {
    case .unknownCommand(let word, let nearest):
      "there is no command \(quoted(word))\(suggestion(nearest)) (minigpt --help lists them)"
    case .unknownFlag(let flag, let command, let nearest):
      "unknown flag \(printable(flag))"
        + (ForeignFlags.cures[spelled(flag.drop { $0 == UInt8(ascii: "-") })].map { "; \($0)" } ?? suggestion(nearest))
        + " (minigpt \(command.isEmpty ? "" : command + " ")--help lists them)"
    case .missingValue(let flag, let expectation, nil):
      "\(flag) needs \(expectation), and nothing follows it"
    case .missingValue(let flag, let expectation, let found?):
      "\(flag) needs \(expectation), and the flag \(printable(found)) follows it"
        + " (write \(flag)=\(printable(found)) if you mean that)"
    case .valueNotWanted(let flag):
      "\(flag) takes no value"
    case .badValue(let flag, let expectation, let found):
      "\(flag) needs \(expectation), not \(quoted(found))"
    case .givenTwice(let flag):
      "\(flag) is given twice"
    case .longDash(let word, let flag):
      "\(quoted(word)) begins with a long dash: did you mean \(flag)?"
    case .unquotedName(let name):
      "a name with blanks needs quotation marks: \(printable(shellQuoted(name)))"
    case .wordMissing(let command, let what):
      "\(command) needs \(what) (minigpt \(command) --help)"
    case .wordTooMany(let command, let word, 0):
      "\(command) takes only flags, and \(quoted(word)) is none"
        + meaning(of: word, to: command) + " (minigpt \(command) --help)"
    case .wordTooMany(let command, let word, let allowed):
      "\(quoted(word)) is one argument too many: \(command) takes at most \(allowed)"
        + (command == "sample" ? "; a text to continue stands behind --prompt" : "")
        + " (minigpt \(command) --help)"
    case .subcommandMissing(let command, let choices):
      "\(command) needs \(alternatives(choices)) behind it (minigpt \(command) --help)"
    case .contradiction(let sentence):
      sentence
    }
  }

  /// How a file is given to a command that takes no words: as its tokenizer, or as what it reads.
  private func meaning(of word: [UInt8], to command: String) -> String {
    if !isFile(word) && !isModel(word) { return "" }
    let readsInput = ["tokenizer encode", "tokenizer decode"].contains(command)
    if command == "tokenizer show" || readsInput && isModel(word) {
      return ": --tokenizer \(printable(shellQuoted(word))) names the file"
    }
    return readsInput ? ": < \(printable(word)) hands it the file" : ""
  }
}
