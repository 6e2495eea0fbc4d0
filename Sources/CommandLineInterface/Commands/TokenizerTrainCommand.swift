internal import MiniGPT
internal import MiniGPTPlatform

/// `minigpt tokenizer train CORPUS…`: a byte-pair vocabulary from text.
struct TokenizerTrainCommand: Command {
  var corpora: [[UInt8]] = []
  var vocabularySize: Int?
  var out: [UInt8]?
  var overwrite = false
  var split = Splitter.gpt2
  var minimumFrequency = 1
  var maximumLength: Int?
  var specials: [[UInt8]] = []
  var allowsSpecial = false
  var threads: Int?
  var quiet = false

  static let names = ["tokenizer train"]
  static let summary = "makes a byte-pair vocabulary from text"
  static let discussion = """
    The most frequent pair of neighbours becomes a token, again and again. The result does not depend on the number \
    of threads.
    """
  static let words = Words("CORPUS…", 1...10_000, "a CORPUS: one or more text files")

  static let sections: [Section<Self>] = [
    Section(
      "Flags",
      [
        .optional(
          "vocab-size", in: \.vocabularySize, .integer(257...4_194_304), else: "must be given", "tokens to have"),
        .optional(
          "out", in: \.out, .file(), else: "must be given",
          "the tokenizer to write: NAME.json, NAME.tiktoken, or a folder"),
        .toggle("overwrite", in: \.overwrite, "replace a file that is there"),
        .value("split", in: \.split, .choice, "the rule that cuts text before merging"),
        .value("min-frequency", in: \.minimumFrequency, .integer(1...Int.max), "rarer pairs stay apart"),
        .optional(
          "max-token-length", in: \.maximumLength, .integer(2...Int.max), else: "any", "bytes of the longest token"),
        .list(
          "special", in: \.specials, .text, else: "\(SpecialToken.endOfText) alone",
          "a special token, written so; it may repeat, and \(SpecialToken.endOfText) stays the last"),
        .toggle(
          "allow-special", in: \.allowsSpecial, "names of special tokens in the text are those tokens, and no letters"),
        .optional("threads", in: \.threads, .integer(1...4096), else: "the cores it may use", "changes no result"),
        .toggle("quiet", in: \.quiet, "no progress"),
      ])
  ]

  mutating func take(_ words: [[UInt8]]) throws { corpora = words }

  mutating func validate() throws {
    if vocabularySize == nil { throw UsageError.contradiction("tokenizer train needs --vocab-size N") }
    var names: Set = [Array(SpecialToken.endOfText.utf8)]
    for special in specials {
      if special.isEmpty || String(validating: special, as: UTF8.self) == nil {
        throw UsageError.contradiction("--special needs a text, not \(quoted(special))")
      }
      if !names.insert(special).inserted {
        throw UsageError.contradiction("--special \(printable(special)) is a special token already")
      }
    }
    if out == nil { throw UsageError.contradiction("tokenizer train needs --out FILE") }
  }

  func run(_ console: Console) throws {
    console.isQuiet = quiet
    let out = Path(bytes: out ?? [])
    let files = corpora.map { Path(bytes: $0) }
    try console.claim(out, reading: files, overwrite: overwrite)
    let corpus = try TextCorpus(files)
    console.note("corpus: \(grouped(corpus.byteCount)) bytes")
    var trainer = BPETrainer(vocabularySize: vocabularySize ?? 0)
    trainer.splitter = split
    trainer.minimumFrequency = Int64(minimumFrequency)
    trainer.layout = .language(
      specials: specials.map { String(decoding: $0, as: UTF8.self) } + [SpecialToken.endOfText])
    trainer.allowsSpecial = allowsSpecial
    if let maximumLength { trainer.maximumTokenLength = maximumLength }
    let pool = Machine.pool(threads: threads, console)
    var report = TokenizerReport(console)
    let tokenizer = try trainer.train(corpus.parts.map(\.text), pool: pool) { report.say($0) }
    try TokenizerFile.write(tokenizer, to: out)
    console.endProgress()
    console.note("vocabulary: \(grouped(tokenizer.vocabularySize)) tokens")
    console.note("wrote \(out)")
  }
}
