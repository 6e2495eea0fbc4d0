internal import MiniGPT
internal import Platform

/// `minigpt sample`, also `minigpt generate`: continues a prompt, or begins a text.
struct SampleCommand: Command, Sampling {
  var model: [UInt8]?
  var prompt: [UInt8]?
  var promptFile: [UInt8]?
  var sampling = SamplingOptions()
  var samples = 1
  var seed: UInt64?
  var threads: Int?
  var quiet = false
  var json = false

  static let names = ["sample", "generate"]
  static let summary = "writes text, from a prompt or from nothing"
  static let discussion = """
    Prints the prompt and its continuation, character by character. Without a prompt a new text begins. It stops at \
    the end of a text, or after --max-new-tokens.
    """
  static let words = Words("[MODEL]", 0...1, "a MODEL")

  static let sections: [Section<Self>] = [
    Section(
      "Text",
      [
        .optional("prompt", in: \.prompt, .text, else: "none", "the text to continue"),
        .optional("prompt-file", in: \.promptFile, .file(), else: "none", "the same from a file; - is stdin"),
        .value("num-samples", in: \.samples, .integer(1...1_000_000), "how many texts"),
      ]),
    .sampling,
    Section(
      "Running",
      [
        .optional(
          "model", in: \.model, .file("MODEL"), else: "the newest in checkpoints", "the checkpoint that speaks"),
        .optional("seed", in: \.seed, .seed, else: "drawn, and printed", "of all chance: same seed, same text"),
        .optional("threads", in: \.threads, .integer(1...4096), else: "the cores it may use", "changes no result"),
        .toggle("json", in: \.json, "one JSON object a sample: text, tokens, tokens_per_s, seed"),
        .toggle("quiet", in: \.quiet, "nothing but the text"),
      ]),
  ]

  mutating func take(_ words: [[UInt8]]) throws { try takeModel(words.first, into: &model) }

  mutating func validate() throws {
    if prompt != nil && promptFile != nil {
      throw UsageError.contradiction("--prompt and --prompt-file both give a prompt")
    }
    try sampling.validate()
  }

  func run(_ console: Console) throws {
    console.isQuiet = quiet
    let prompt = try promptBytes()
    let choice = try ModelChoice(model).announced(on: console)
    let speaker = try Speaker(choice.open(), Machine(threads: threads))
    let ids = try speaker.tokenizer.encode(prompt)
    let seed = self.seed ?? RandomSeed.draw()
    if !sampling.isGreedy { console.note("seed: \(seed)") }
    for sample in 0..<samples {
      if json {
        try record(speaker, prompt, ids, seed, sample, console)
      } else {
        if sample > 0 { try console.answer(line: "---") }
        try text(speaker, prompt, ids, seed, sample, console)
      }
    }
  }

  private func promptBytes() throws -> [UInt8] {
    if let prompt { return prompt }
    guard let promptFile else { return [] }
    if promptFile != [UInt8(ascii: "-")] { return try FileReader.bytes(of: Path(bytes: promptFile)) }
    let input = Input()
    guard let bytes = try input.readAll() else { throw Interrupted() }
    return bytes
  }

  /// The prompt and what follows it, as it comes, and a newline at the end.
  private func text(
    _ speaker: Speaker, _ prompt: [UInt8], _ ids: [Int32], _ seed: UInt64, _ sample: Int, _ console: Console
  ) throws {
    try console.answer(text: String(decoding: prompt, as: UTF8.self))
    try console.flush()
    var writer = TextWriter(speaker.tokenizer, .streamed, console)
    let end = try speaker.speak(ids, sampling, seed: seed, sample: sample) { try writer.write($0) }
    try writer.finish()
    try console.answer(line: "")
    try console.flush()
    if end == .interrupted { throw Interrupted() }
  }

  private func record(
    _ speaker: Speaker, _ prompt: [UInt8], _ ids: [Int32], _ seed: UInt64, _ sample: Int, _ console: Console
  ) throws {
    let start = MonotonicTime.now
    var decoder = StreamingDecoder(speaker.tokenizer)
    var text = String(decoding: prompt, as: UTF8.self)
    var tokens = 0
    let end = try speaker.speak(ids, sampling, seed: seed, sample: sample) { id in
      text += decoder.push(id)
      tokens += 1
    }
    text += decoder.finish()
    if end == .interrupted { throw Interrupted() }
    let speed = Double(tokens) / max(1e-9, MonotonicTime.now - start)
    let record: JSON = [
      "text": .string(text), "tokens": JSON(tokens), "tokens_per_s": JSON((speed * 10).rounded() / 10),
      "seed": JSON(seed),
    ]
    try console.answer(JSONWriter.write(record, layout: .spaced) + [UInt8(ascii: "\n")])
    try console.flush()
  }
}

/// A model as the first word, which must not be given by `--model` too.
func takeModel(_ word: [UInt8]?, into model: inout [UInt8]?) throws {
  guard let word else { return }
  if model != nil {
    throw UsageError.contradiction("the model is given twice: as \(quoted(word)) and by --model")
  }
  model = word
}
