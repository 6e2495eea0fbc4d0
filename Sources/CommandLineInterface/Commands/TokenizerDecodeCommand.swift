internal import MiniGPT
internal import MiniGPTPlatform

/// `minigpt tokenizer decode`: ids on stdin, text on stdout, byte for byte.
struct TokenizerDecodeCommand: Command {
  var tokenizer: [UInt8]?

  static let names = ["tokenizer decode"]
  static let summary = "ids on stdin, text on stdout"
  static let discussion = """
    Reads ids separated by white space and writes their bytes as they are; a terminal gets them as whole characters \
    that it cannot obey.
    """

  static let sections: [Section<Self>] = [Section("Flags", [TokenizerSource.option(\.tokenizer)])]

  func run(_ console: Console) throws {
    let tokenizer = try TokenizerSource(tokenizer).open(console), size = tokenizer.vocabularySize
    let input = Input()
    var word: [UInt8] = []
    var writer = TextWriter(tokenizer, console)
    while true {
      let block: [UInt8]
      switch try input.readBlock() {
      case .interrupted: throw Interrupted()
      case .end:
        if !word.isEmpty { try writer.write(IdFile.id(word, vocabularySize: size)) }
        return try writer.finish()
      case .line(let bytes): block = bytes
      }
      for byte in block {
        if !IdFile.isSpace(byte) {
          word.append(byte)
          // No id is longer; what is could only fill the memory.
          if word.count > 20 { throw InputError.noId(word) }
        } else if !word.isEmpty {
          try writer.write(IdFile.id(word, vocabularySize: size))
          word = []
        }
      }
    }
  }
}
