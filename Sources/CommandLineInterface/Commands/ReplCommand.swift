internal import MiniGPT
internal import MiniGPTPlatform

/// `minigpt repl`, also `minigpt` alone: prompt in, continuation out. What is typed is a `Conversation`.
struct ReplCommand: Command, Sampling {
  var model: [UInt8]?
  var sampling = SamplingOptions()
  var seed: UInt64?
  var footer = false
  var commands = false
  var weights = NumberFormat.fp32
  var threads: Int?
  var raw = false
  var quiet = false

  static let names = ["repl"]
  static let summary = "prompt in, continuation out"
  static let discussion = """
    Each line is a prompt, and the model continues it. Ctrl-C stops the continuation, Ctrl-D leaves, /help lists the \
    commands. Where stdin is no terminal, each of its lines is a prompt, and only texts are printed.
    """
  static let words = Words("[MODEL]", 0...1, "a MODEL")

  static let sections: [Section<Self>] = [
    .sampling,
    Section(
      "Running",
      [
        .optional(
          "model", in: \.model, .file("MODEL"), else: "the newest in checkpoints", "the checkpoint that speaks"),
        .optional("seed", in: \.seed, .seed, else: "drawn, and printed", "of all chance: same seed, same texts"),
        .toggle("footer", in: \.footer, "behind each answer: its tokens, and how many a second"),
        .toggle("commands", in: \.commands, "lines that begin with / are commands, also from a pipe"),
        .value("weights", in: \.weights, .choice, "in which numbers the weights are read: fewer bits, more speed"),
        .optional("threads", in: \.threads, .integer(1...4096), else: "the cores it may use", "changes no result"),
        .toggle("raw", in: \.raw, "control characters as they are, also on a terminal"),
        .toggle("quiet", in: \.quiet, "nothing but the text"),
      ]),
  ]

  mutating func take(_ words: [[UInt8]]) throws { try takeModel(words.first, into: &model) }

  mutating func validate() throws { try sampling.validate() }

  func run(_ console: Console) throws {
    console.isQuiet = quiet
    console.isRaw = raw
    let isTyped = console.isInteractive
    let conversation = try Conversation(self, console, takesCommands: isTyped || commands)
    let input = ReplInput(console, isTyped: isTyped, takesCommands: isTyped || commands)
    if isTyped {
      console.note(wrapping: "A prompt, or nothing to go on. Ctrl-C stops, Ctrl-D leaves, /help lists the commands.")
    }
    while !conversation.isOver, let line = try input.next() {
      do {
        try conversation.take(line)
      } catch  where Self.isHarmless(error) {
        try console.flush()
        if !isTyped { throw InputError.line(input.lineNumber, error) }
        // What cannot be done ends the request, not the conversation.
        console.say(wrapping: printable("\(error)"))
      }
      try console.flush()
      if !Interruption.isRequested { continue }
      if !isTyped || Interruption.signal != ReplInput.interrupt { throw Interrupted() }
      Interruption.clear()
    }
  }

  private static func isHarmless(_ error: any Error) -> Bool { !(error is OutputError) && !(error is Interrupted) }
}
