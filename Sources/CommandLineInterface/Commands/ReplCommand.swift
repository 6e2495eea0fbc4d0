internal import MiniGPT
internal import Platform

/// `minigpt repl`, also `minigpt` alone: prompt in, continuation out.
struct ReplCommand: Command, Sampling {
  var model: [UInt8]?
  var sampling = SamplingOptions()
  var seed: UInt64?
  var threads: Int?
  var quiet = false

  static let names = ["repl"]
  static let summary = "prompt in, continuation out"
  static let discussion = """
    Each line is a prompt, and the model continues it. Ctrl-C stops the continuation, Ctrl-D leaves. Where stdin is no \
    terminal, each of its lines is a prompt, and only texts are printed.
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
        .optional("threads", in: \.threads, .integer(1...4096), else: "the cores it may use", "changes no result"),
        .toggle("quiet", in: \.quiet, "nothing but the text"),
      ]),
  ]

  mutating func take(_ words: [[UInt8]]) throws { try takeModel(words.first, into: &model) }

  mutating func validate() throws { try sampling.validate() }

  func run(_ console: Console) throws {
    let isTyped = console.isInteractive
    console.isQuiet = quiet
    let choice = try ModelChoice(model).announced(on: console)
    let speaker = try Speaker(choice.open(), Machine(threads: threads))
    let seed = self.seed ?? RandomSeed.draw()
    if !sampling.isGreedy { console.note("seed: \(seed)") }
    if isTyped { console.note("Type a prompt. Ctrl-C stops the answer, Ctrl-D leaves.") }
    var prompts = Prompts(isTyped: isTyped)
    var sample = 0
    while let prompt = try prompts.next(console) {
      if prompt.isEmpty && isTyped { continue }
      do {
        try answer(prompt, speaker, seed, sample, console)
      } catch let error as TokenizerError where isTyped {
        // A character that the model never saw ends the prompt, not the conversation.
        console.say("minigpt: " + printable("\(error)"))
      }
      sample += 1
      if !Interruption.isRequested { continue }
      if !isTyped || Interruption.signal != Prompts.interrupt { throw Interrupted() }
      Interruption.clear()
    }
  }

  private func answer(
    _ prompt: [UInt8], _ speaker: Speaker, _ seed: UInt64, _ sample: Int, _ console: Console
  ) throws {
    let ids = try speaker.tokenizer.encode(prompt)
    var writer = TextWriter(speaker.tokenizer, .streamed, console)
    _ = try speaker.speak(ids, sampling, seed: seed, sample: sample) { try writer.write($0) }
    try writer.finish()
    try console.answer(line: "")
    try console.flush()
  }
}

/// The prompts that are typed, or the lines of a pipe.
private struct Prompts {
  /// SIGINT, the same on all systems.
  static let interrupt: Int32 = 2

  private let isTyped: Bool
  private let editor: LineEditor?
  private let lines = Input()

  init(isTyped: Bool) {
    self.isTyped = isTyped
    editor = isTyped ? LineEditor.find() : nil
  }

  /// nil at the end. Ctrl-C at the prompt of a terminal begins a new line.
  mutating func next(_ console: Console) throws -> [UInt8]? {
    while true {
      switch try read(console) {
      case .line(let line):
        editor?.remember(line)
        return line
      case .end:
        if isTyped { try console.answer(line: "") }
        return nil
      case .interrupted:
        if !isTyped || Interruption.signal != Self.interrupt { throw Interrupted() }
        Interruption.clear()
        try console.answer(line: "")
        try console.flush()
      }
    }
  }

  private mutating func read(_ console: Console) throws -> InputLines.Next {
    if let editor { return editor.read(prompt: "> ") }
    if isTyped {
      try console.answer(Array("> ".utf8))
      try console.flush()
    }
    return try lines.read()
  }
}
