internal import MiniGPT
internal import MiniGPTPlatform

/// `minigpt export MODEL`: a model in somebody else's format.
struct ExportCommand: Command {
  var model: [UInt8]?
  var format: ExportFormat?
  var out: [UInt8]?
  var weights = NumberFormat.fp32
  var overwrite = false
  var quiet = false

  static let names = ["export"]
  static let summary = "writes a model for other programs"
  static let discussion = """
    hf is a folder for Hugging Face's transformers, gguf a file for llama.cpp, tiktoken the ranks of the vocabulary, \
    safetensors a checkpoint of minigpt with the weights alone. What a format cannot say is refused by name.
    """
  static let words = Words("[MODEL]", 0...1, "a MODEL")

  static let sections: [Section<Self>] = [
    Section(
      "Flags",
      [
        .optional("to", in: \.format, .choice, else: "must be given", "the format"),
        .optional("out", in: \.out, .file("PATH"), else: "must be given", "the folder or file to write"),
        .value("weights", in: \.weights, .choice, "the type of the numbers; hf has no int8, and gguf alone has int4"),
        .optional("model", in: \.model, .file("MODEL"), else: "the newest in checkpoints", "the model to write"),
        .toggle("overwrite", in: \.overwrite, "replace what is there"),
        .toggle("quiet", in: \.quiet, "no progress"),
      ])
  ]

  mutating func take(_ words: [[UInt8]]) throws { try takeModel(words.first, into: &model) }

  mutating func validate() throws {
    if format == nil {
      throw UsageError.contradiction(
        "export needs --to \(ExportFormat.allCases.map(\.rawValue).joined(separator: "|"))")
    }
    if out == nil { throw UsageError.contradiction("export needs --out PATH") }
    if format == .huggingFace && (weights == .int8 || weights == .int4) {
      throw UsageError.contradiction("--to hf has no \(weights.rawValue): give --weights fp32, bf16 or f16")
    }
    if format == .safetensors && weights == .int4 {
      throw UsageError.contradiction("--to safetensors has no int4: give --weights int8, or --to gguf")
    }
    if format == .tiktoken && weights != .fp32 {
      throw UsageError.contradiction("--to tiktoken has no weights: leave out --weights")
    }
  }

  func run(_ console: Console) throws {
    console.isQuiet = quiet
    let choice = try ModelChoice(model, nil).announced(on: console)
    guard let format, let out = out.map(Path.init(bytes:)) else { return }
    try console.claim(out, reading: [choice.path], overwrite: overwrite)
    if format == .huggingFace { try HuggingFaceFolder.checkReplaceable(out) }
    func report(_ done: Int, _ total: Int) throws {
      console.progress(["writing", percent(done, total)])
      if Interruption.isRequested { throw Interrupted() }
    }
    func write(_ model: some OpenedModel) throws {
      try ModelExport(model.checkpoint, to: out, weights: weights, progress: report).write(format, replacing: overwrite)
    }
    try write(choice.openAny())
    console.endProgress()
    console.note("wrote \(out)")
  }
}
