internal import MiniGPT
internal import MiniGPTPlatform

/// `minigpt sample`, also `minigpt generate`: continues a prompt, or begins a text.
struct SampleCommand: Command, Sampling {
  var model: [UInt8]?
  var prompt: [UInt8]?
  var promptFile: [UInt8]?
  var sampling = SamplingOptions()
  var samples = 1
  var compare = false
  var seed: UInt64?
  var weights = NumberFormat.fp32
  var threads: Int?
  var raw = false
  var quiet = false
  var json = false

  static let names = ["sample", "generate"]
  static let summary = "writes text, from a prompt or from nothing"
  static let discussion = """
    Prints the prompt and its continuation, character by character. Without a prompt a new text begins. It stops at \
    the end of a text, or after --max-new-tokens. The choices work in the order in which they stand here.
    """
  static let words = Words("[MODEL]", 0...1, "a MODEL")

  static let sections: [Section<Self>] = [
    Section(
      "Text",
      [
        .optional("prompt", short: "p", in: \.prompt, .text, else: "none", "the text to continue"),
        .optional("prompt-file", in: \.promptFile, .file(), else: "none", "the same from a file; - is stdin"),
        .value("num-samples", in: \.samples, .integer(1...1_000_000), "how many texts"),
        .toggle("compare", in: \.compare, "greedy, temperatures, top-k and top-p side by side, from one prompt"),
      ]),
    .sampling,
    Section(
      "Running",
      [
        .optional(
          "model", in: \.model, .file("MODEL"), else: "the newest in checkpoints", "the checkpoint that speaks"),
        .optional("seed", in: \.seed, .seed, else: "drawn, and printed", "of all chance: same seed, same text"),
        .value("weights", in: \.weights, .choice, "in which numbers the weights are read: fewer bits, more speed"),
        .optional("threads", in: \.threads, .integer(1...4096), else: "the cores it may use", "changes no result"),
        .toggle("raw", in: \.raw, "control characters as they are, also on a terminal"),
        .toggle("json", in: \.json, "one JSON object a sample: text, prompt, tokens, tokens_per_s, seed"),
        .toggle("quiet", in: \.quiet, "nothing but the text"),
      ]),
  ]

  mutating func take(_ words: [[UInt8]]) throws { try takeModel(words.first, into: &model) }

  mutating func validate() throws {
    if prompt != nil && promptFile != nil {
      throw UsageError.contradiction("--prompt and --prompt-file both give a prompt")
    }
    try sampling.validate()
    if !compare { return }
    if json { throw UsageError.contradiction("--compare prints columns and --json records: give one") }
    if samples > 1 { throw UsageError.contradiction("--compare has its own samples, so --num-samples has no place") }
    let usual = SamplingOptions()
    if sampling.greedy || sampling.temperature != usual.temperature || sampling.topK != 0 || sampling.topP != 1 {
      throw UsageError.contradiction(
        "--compare has its own choices, so --greedy, --temp, --top-k and --top-p have no place")
    }
  }

  func run(_ console: Console) throws {
    console.isQuiet = quiet
    console.isRaw = raw
    let prompt = try promptBytes()
    let choice = try ModelChoice(model).announced(on: console)
    let group = min(samples, Self.together)
    let speaker = try Speaker(choice.open(), Machine(threads: threads, console), weights: weights, sequences: group)
    // A loop that reads lines leaves its pipe to each of its commands, so the pipe is not read unasked.
    if self.prompt == nil, promptFile == nil, Terminal.isPipe(0), Terminal.hasInput(0, within: 0) {
      console.note("standard input is not read: --prompt-file - takes it as the prompt")
    }
    let ids = try encode(prompt, speaker)
    let seed = self.seed ?? RandomSeed.draw()
    if compare || !sampling.isGreedy { console.note("seed: \(seed)") }
    var notice = WindowNotice(speaker.context)
    notice.begin(ids.count, console)
    if compare { return try columns(speaker, prompt, ids, seed, console) }
    for first in stride(from: 0, to: samples, by: group) {
      let count = min(group, samples - first)
      try say(speaker, prompt, ids, seed, first..<first + count, &notice, console)
    }
  }

  /// Texts that share each pass over the weights; more of them would only wait for each other.
  private static let together = 16

  private func promptBytes() throws -> [UInt8] {
    if let prompt { return prompt }
    guard let promptFile else { return [] }
    if promptFile != [UInt8(ascii: "-")] { return try FileReader.bytes(of: Path(bytes: promptFile)) }
    guard let bytes = try Input().readAll() else { throw Interrupted() }
    return bytes
  }

  private func encode(_ prompt: [UInt8], _ speaker: Speaker) throws -> [Int32] {
    do {
      return try speaker.tokenizer.encode(prompt, allowSpecial: sampling.allowsSpecial)
    } catch {
      guard let promptFile else { throw error }
      if promptFile == [UInt8(ascii: "-")] { throw InputError.badText(error) }
      throw DatasetError.notEncodable("\(Path(bytes: promptFile))", error)
    }
  }

  /// The first text of a group as it comes, the others when all are done: each is the prompt and what follows it, and a
  /// newline at the end.
  private func say(
    _ speaker: Speaker, _ prompt: [UInt8], _ ids: [Int32], _ seed: UInt64, _ samples: Range<Int>,
    _ notice: inout WindowNotice, _ console: Console
  ) throws {
    var texts = [[UInt8]](repeating: [], count: samples.count)
    if !json { try begin(prompt, samples.lowerBound, console) }
    let answers = try speaker.say(ids, sampling, seed: seed, samples: samples.lowerBound, count: samples.count) {
      place, text in
      if json || place > 0 {
        texts[place] += text
      } else {
        try console.answer(text: text)
        try console.flush()
      }
    }
    for (place, answer) in answers.enumerated() {
      if json && answer.end != .interrupted {
        try console.answer(json: record(prompt, texts[place], answer, seed), nonFinite: .refuse)
      } else if !json {
        if place > 0 { try begin(prompt, samples.lowerBound + place, console) }
        try console.answer(text: texts[place])
        try console.answer(line: "")
      }
      try console.flush()
      if answer.end == .interrupted { throw Interrupted() }
      notice.end(ids.count + answer.tokens.count, console)
    }
  }

  private func begin(_ prompt: [UInt8], _ sample: Int, _ console: Console) throws {
    if sample > 0 { try console.answer(line: "---") }
    try console.answer(text: String(decoding: prompt, as: UTF8.self))
    try console.flush()
  }

  private func record(_ prompt: [UInt8], _ text: [UInt8], _ answer: Speech.Answer, _ seed: UInt64) -> JSON {
    [
      "text": .string(String(decoding: prompt, as: UTF8.self) + String(decoding: text, as: UTF8.self)),
      "prompt": .string(String(decoding: prompt, as: UTF8.self)),
      "tokens": JSON(answer.tokens.count), "tokens_per_s": JSON((answer.speed * 10).rounded() / 10),
      "seed": JSON(seed),
    ]
  }

  private func columns(
    _ speaker: Speaker, _ prompt: [UInt8], _ ids: [Int32], _ seed: UInt64, _ console: Console
  ) throws {
    if !prompt.isEmpty {
      try console.answer(text: String(decoding: prompt, as: UTF8.self))
      try console.answer(line: "\n")
      try console.flush()
    }
    let comparison = SamplingComparison(speaker: speaker, options: sampling, seed: seed)
    guard let rows = try comparison.rows(ids, width: Terminal.width(1)) else { throw Interrupted() }
    for row in rows { try console.answer(line: row) }
  }
}

/// Whether a word names a checkpoint or a model folder that is there: then it is meant as one.
func isModel(_ word: [UInt8]) -> Bool {
  let path = Path(bytes: word)
  return switch Files.kind(path) {
  case .file: SafetensorsFile.looksLike(path) || path.hasSuffix(".gguf")
  case .folder: Files.exists(path.appending("config.json"))
  default: false
  }
}

func isFile(_ word: [UInt8]) -> Bool { Files.kind(Path(bytes: word)) == .file }

/// A model as the first word, which must not be given by `--model` too.
func takeModel(_ word: [UInt8]?, into model: inout [UInt8]?) throws {
  guard let word else { return }
  if model != nil {
    throw UsageError.contradiction("the model is given twice: as \(quoted(word)) and by --model")
  }
  model = word
}
