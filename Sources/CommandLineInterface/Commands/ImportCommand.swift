internal import MiniGPT
internal import MiniGPTPlatform

/// `minigpt import FOLDER|FILE.gguf`: somebody else's model as a checkpoint.
struct ImportCommand: Command {
  var source: [UInt8] = []
  var out: [UInt8]?
  var overwrite = false
  var quiet = false

  static let names = ["import"]
  static let summary = "makes a checkpoint of another program's model"
  static let discussion = """
    Reads a Hugging Face model folder (GPT-2, Marian or Pegasus), or a file in GGUF of GPT-2's architecture. Such a \
    folder may also stand wherever a MODEL is asked for.
    """
  static let words = Words("FOLDER|FILE.gguf", 1...1, "a model: a Hugging Face folder, or a GGUF file")

  static let sections: [Section<Self>] = [
    Section(
      "Flags",
      [
        .optional("out", in: \.out, .file(), else: "must be given", "the checkpoint to write"),
        .toggle("overwrite", in: \.overwrite, "replace a file that is there"),
        .toggle("quiet", in: \.quiet, "no progress"),
      ])
  ]

  mutating func take(_ words: [[UInt8]]) throws { source = words[0] }

  mutating func validate() throws {
    if out == nil { throw UsageError.contradiction("import needs --out FILE") }
  }

  func run(_ console: Console) throws {
    console.isQuiet = quiet
    let out = Path(bytes: out ?? []), path = Path(bytes: source)
    try console.claim(out, reading: [path], overwrite: overwrite)
    func report(_ done: Int, _ total: Int) throws {
      console.progress(["reading", percent(done, total)])
      if Interruption.isRequested { throw Interrupted() }
    }
    func write(_ model: some OpenedModel) throws -> Int {
      try ModelExport(model.checkpoint, to: out, weights: .fp32, progress: report).write(.safetensors)
      return model.checkpoint.configuration.parameterCount
    }
    let count = try write(ForeignFormats.open(path))
    console.endProgress()
    console.note("wrote \(out): \(grouped(count)) parameters")
  }
}
