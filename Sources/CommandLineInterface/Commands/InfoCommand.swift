internal import MiniGPT
internal import MiniGPTPlatform

/// `minigpt info MODEL`: what is in a checkpoint, from its header alone.
struct InfoCommand: Command {
  var model: [UInt8]?
  var verify = false
  var command = false
  var json = false

  static let names = ["info"]
  static let summary = "what is in a checkpoint"
  static let discussion = """
    Shows configuration, parameters and the history of the training. Only the head of the file is read, so it takes no \
    time, whatever the size.
    """
  static let words = Words("[MODEL]", 0...1, "a MODEL")

  static let sections: [Section<Self>] = [
    Section(
      "Flags",
      [
        .optional("model", in: \.model, .file("MODEL"), else: "the newest in checkpoints", "the checkpoint"),
        .toggle("verify", in: \.verify, "read every tensor and compare it with its checksum"),
        .toggle("command", in: \.command, "print the command that repeats the training"),
        .toggle("json", in: \.json, "one JSON object"),
      ])
  ]

  mutating func take(_ words: [[UInt8]]) throws { try takeModel(words.first, into: &model) }

  mutating func validate() throws {
    if command && json { throw UsageError.contradiction("--command and --json print different things: give one") }
  }

  func run(_ console: Console) throws {
    try show(ModelChoice(model, nil).announced(on: console).openAny(), console)
  }

  private func show(_ model: some OpenedModel, _ console: Console) throws {
    if command {
      if let why = model.checkpoint.record?.whyNotRepeated() { console.say("this does not repeat it exactly: " + why) }
      return try console.answer(repeating(model) + [UInt8(ascii: "\n")])
    }
    let checked = verify ? try verified(model.path) : nil
    if json { return try console.answer(json: record(model.checkpoint, checked)) }
    try console.answer(table: shape(model.checkpoint) + history(model.checkpoint))
    if let checked { try console.answer(line: "verified: \(grouped(checked)) bytes agree with their checksums") }
  }

  /// The command that repeats the training.
  private func repeating(_ model: some OpenedModel) throws -> [UInt8] {
    if let translator = try? model.translator() {
      return canonicalCommand(try TrainCommand(recalling: translator), words: [])
    }
    return canonicalCommand(try TrainCommand(recalling: model.textModel()), words: [Array("CORPUS".utf8)])
  }

  /// The bytes of data that agree with their checksums.
  private func verified(_ path: Path) throws -> Int {
    guard case .verified(let bytes) = try SafetensorsChecksum.verify(path) else {
      throw CheckpointError.noChecksums(path)
    }
    return bytes
  }

  private func shape<Model>(_ checkpoint: ModelCheckpoint<Model>) -> [(String, String)] {
    let c = checkpoint.configuration
    return [
      ("file", "\(checkpoint.path), \(size(checkpoint.byteCount))"),
      ("model", "\(checkpoint.kind.title), \(grouped(c.parameterCount)) parameters"),
    ]
      + Model.Configuration.fields.filter { !$0.isUnusual || !$0.isEqual(c, Model.Configuration()) }.map { field in
        let value = field.value(of: c), text = (value as? Int).map { grouped($0) } ?? value.text
        return (field.label, field.unit.isEmpty ? text : text + " " + field.unit)
      }
  }

  private func history<Model>(_ checkpoint: ModelCheckpoint<Model>) -> [(String, String)] {
    guard let record = checkpoint.record else { return [("training", "no record in the file")] }
    let c = record.configuration
    let tokens = checkpoint.kind.tokensPerBatch(c, checkpoint.configuration.context) * c.gradientAccumulation
    var rows = [
      (
        "trained",
        "\(grouped(record.step)) of \(grouped(c.steps)) steps, \(grouped(tokens)) tokens each"
      ),
      ("learning rate", "\(shortest(c.learningRate)) to \(shortest(c.minimumLearningRate)), \(c.schedule.rawValue)"),
      ("seed", "\(c.seed)"), ("kernels", record.instructionSet), ("corpus", hexadecimal16(record.corpusFingerprint)),
      ("resumable", checkpoint.hasOptimizerState ? "yes" : "no, weights only"),
    ]
    if record.step > 0 { rows.append(("last loss", fixed(record.lastLoss, 4))) }
    if let best = record.best {
      rows.append(
        (
          "best",
          "validation loss \(fixed(best.loss, 4)), \(fixed(best.bitsPerByte, 4)) bits a byte, at step \(grouped(best.step))"
        ))
      rows.append(("evaluations", grouped(record.evaluationCount)))
    }
    return rows
  }

  private func record<Model>(_ checkpoint: ModelCheckpoint<Model>, _ verified: Int?) -> JSON {
    var record: JSONObject = [
      "file": .string(checkpoint.path.description), "kind": .string(Model.Configuration.kind),
      "parameters": JSON(checkpoint.configuration.parameterCount), "configuration": checkpoint.configuration.json,
      "training": checkpoint.record?.json ?? nil,
    ]
    if let verified { record.append("verified_bytes", JSON(verified)) }
    return .object(record)
  }
}
