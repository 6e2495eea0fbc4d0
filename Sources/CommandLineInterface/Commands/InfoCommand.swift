internal import MiniGPT
internal import Platform

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
    let choice = try ModelChoice(model).announced(on: console)
    let checkpoint = try choice.open()
    if command {
      let train = try TrainCommand(recalling: checkpoint)
      return try console.answer(canonicalCommand(train, words: [Array("CORPUS".utf8)]) + [UInt8(ascii: "\n")])
    }
    let checked = verify ? try verified(checkpoint) : nil
    if json { return try console.answer(record(checkpoint, checked) + [UInt8(ascii: "\n")]) }
    for row in table(shape(checkpoint) + history(checkpoint)) { try console.answer(line: row) }
    if let checked { try console.answer(line: "verified: \(grouped(checked)) bytes agree with their checksums") }
  }

  /// The bytes of data that agree with their checksums.
  private func verified(_ checkpoint: Checkpoint) throws -> Int {
    guard case .verified(let bytes) = try SafetensorsChecksum.verify(checkpoint.path) else {
      throw CheckpointError.noChecksums(checkpoint.path)
    }
    return bytes
  }

  private func shape(_ checkpoint: Checkpoint) -> [(String, String)] {
    let c = checkpoint.configuration
    return [
      ("file", "\(checkpoint.path), \(size(Files.size(checkpoint.path) ?? 0))"),
      ("model", "GPT, \(grouped(c.parameterCount)) parameters"),
      ("vocabulary", "\(grouped(c.vocabularySize)) tokens"),
      ("layers", "\(c.layers)"), ("heads", "\(c.heads)"), ("width", grouped(c.width)),
      ("feed-forward", grouped(c.feedForwardWidth)), ("context", "\(grouped(c.context)) tokens"),
      ("positions", c.positions.rawValue), ("norm", c.norm.rawValue), ("activation", c.activation.rawValue),
    ]
  }

  private func history(_ checkpoint: Checkpoint) -> [(String, String)] {
    guard let record = checkpoint.record else { return [("training", "no record in the file")] }
    let c = record.configuration
    var rows = [
      (
        "trained",
        "\(grouped(record.step)) of \(grouped(c.steps)) steps, \(grouped(tokensPerStep(checkpoint))) tokens each"
      ),
      ("learning rate", "\(shortest(c.learningRate)) to \(shortest(c.minimumLearningRate)), \(c.schedule.rawValue)"),
      ("seed", "\(c.seed)"), ("kernels", record.instructionSet), ("corpus", hexadecimal16(record.corpusFingerprint)),
      ("resumable", checkpoint.hasMoments ? "yes" : "no, weights only"),
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

  private func tokensPerStep(_ checkpoint: Checkpoint) -> Int {
    guard let c = checkpoint.record?.configuration else { return 0 }
    return c.batchSize * c.gradientAccumulation * checkpoint.configuration.context
  }

  private func record(_ checkpoint: Checkpoint, _ verified: Int?) throws -> [UInt8] {
    var record: JSONObject = [
      "file": .string(checkpoint.path.description), "kind": "gpt",
      "parameters": JSON(checkpoint.configuration.parameterCount), "configuration": checkpoint.configuration.json,
      "training": checkpoint.record?.json ?? nil,
    ]
    if let verified { record.append("verified_bytes", JSON(verified)) }
    return try JSONWriter.write(.object(record), layout: .spaced, nonFinite: .null)
  }
}
