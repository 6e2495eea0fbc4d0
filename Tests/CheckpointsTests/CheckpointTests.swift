import MiniGPTCheckpoints
import MiniGPTParallel
import MiniGPTStorage
import MiniGPTTensors
import MiniGPTTestSupport
import Testing
import MiniGPTTokenization
import MiniGPTTransformer

@Suite struct CheckpointTests {
  let folder: Folder

  init() throws { folder = try Folder() }

  typealias Model = NumberedModel

  @Test func comesBackToTheLastBit() throws {
    for tokenizer in try NumberedModel.tokenizers() {
      let written = Model(tokenizer), read = Model(tokenizer, numbered: false)
      try written.write(folder.path("m"), record: TrainingRecordTests.record())
      let checkpoint = try Checkpoint(folder.path("m"))
      #expect(checkpoint.configuration == written.model.configuration)
      #expect(checkpoint.record == TrainingRecordTests.record())
      #expect(checkpoint.hasOptimizerState)
      let back = try checkpoint.tokenizer()
      #expect(back.kind == tokenizer.kind)
      #expect(TokenizerJSON.text(back) == TokenizerJSON.text(tokenizer))
      try checkpoint.load(into: read.memory, state: read.state)
      #expect(read.bits() == written.bits())
      #expect(try SafetensorsChecksum.verify(folder.path("m")) != .absent)
    }
  }

  @Test func weightsAloneAreTheSameFormat() throws {
    let written = Model(), read = Model(numbered: false)
    try written.write(folder.path("m"), keepsState: false)
    let checkpoint = try Checkpoint(folder.path("m"))
    #expect(!checkpoint.hasOptimizerState && checkpoint.record == nil)
    try checkpoint.load(into: read.memory)
    #expect(read.bits(state: false) == written.bits(state: false))
    let error = #expect(throws: CheckpointError.self) { try checkpoint.load(into: read.memory, state: read.state) }
    #expect(error?.description.contains("no optimizer state") == true)
  }

  /// The weights in the map are those that a copy has.
  @Test func mappedWeightsAreTheWeights() throws {
    let written = Model()
    for keepsState in [true, false] {
      try written.write(folder.path("m"), keepsState: keepsState)
      let parameters = try Checkpoint(folder.path("m")).parameters()
      #expect(!parameters.isWritable)
      #expect(parameters.count == written.model.layout.count)
      let memory = Memory(MemoryPlan(), parameters, on: .plain())
      let bits = written.model.layout.parameters.map { memory.read($0.slot).map(\.bitPattern) }
      #expect(bits == written.bits(state: false))
    }
  }

  @Test func sameValuesSameBytes() throws {
    try Model().write(folder.path("a"))
    try Model().write(folder.path("b"))
    let bytes = try folder.read("a")
    #expect(try folder.read("b") == bytes)
    // Over itself, too.
    try Model().write(folder.path("a"))
    #expect(try folder.read("a") == bytes)
    #expect(try folder.names().sorted() == ["a", "b"])
  }

  // MARK: - What is refused

  /// Writes a checkpoint whose tensors and metadata are changed; gives the error's line, without the file's name.
  private func refusal(
    tensors change: (inout [SafetensorsFileWriter.Tensor]) -> Void = { _ in },
    metadata changeMetadata: (inout [String: String]) -> Void = { _ in }, resumes: Bool = false
  ) throws -> String {
    try Model().write(folder.path("m"), record: TrainingRecordTests.record())
    let file = try SafetensorsFile(folder.path("m"))
    var tensors = file.tensors.map { SafetensorsFileWriter.Tensor($0.name, $0.type, $0.shape) }
    var metadata: [String: String] = [:]
    for entry in file.metadata where !entry.key.hasPrefix("checksum.") { metadata[entry.key] = entry.value }
    change(&tensors)
    changeMetadata(&metadata)
    let path = folder.path("changed")
    try SafetensorsFileWriter.write(
      path, tensors: tensors, metadata: metadata.sorted { $0.key < $1.key }.map { (key: $0.key, value: $0.value) }
    ) { index, writer in try writer.append([UInt8](repeating: 0, count: tensors[index].byteCount).rawBytes) }
    do {
      let checkpoint = try Checkpoint(path)
      _ = try checkpoint.tokenizer()
      let model = Model(numbered: false)
      if resumes { try checkpoint.load(into: model.memory, state: model.state) }
      return "read"
    } catch { return "\(error)".replacing("\(path): ", with: "") }
  }

  @Test func refusesForeignFiles() throws {
    #expect(try refusal() == "read")
    #expect(
      try refusal(metadata: { $0["minigpt.version"] = nil })
        == "a safetensors file, but not a minigpt checkpoint: no `minigpt.version` in it; of another program's"
        + " model name the folder")
    #expect(
      try refusal(metadata: { $0["minigpt.version"] = "2" })
        == "checkpoint format version 2, but this minigpt reads up to version 1")
    #expect(
      try refusal(metadata: { $0["minigpt.version"] = "123456789012345678901234567890" })
        == "checkpoint format version 123456789012345678901234567890, but this minigpt reads up to version 1")
    for version in ["", "0", "-1", "1.0", "01", "x", "+1"] {
      #expect(
        try refusal(metadata: { $0["minigpt.version"] = version })
          == "a safetensors file, but not a minigpt checkpoint: no `minigpt.version` in it; of another program's"
          + " model name the folder")
    }
    #expect(
      try refusal(metadata: { $0["minigpt.kind"] = "rnn" }) == "a checkpoint of kind 'rnn', expected 'gpt'")
    try folder.write("text", "no safetensors file at all, but a text")
    #expect(throws: CheckpointError.self) { _ = try Checkpoint(folder.path("text")) }
    #expect(throws: CheckpointError.self) { _ = try Checkpoint(folder.path("missing")) }
    #expect(throws: CheckpointError.self) { _ = try Checkpoint(folder.whole) }
  }

  /// A file of ours without checksums was changed by someone.
  @Test func refusesMissingChecksums() throws {
    try Model().write(folder.path("m"))
    let text = try folder.read("m"), bytes = Array("checksum.".utf8), other = Array("checkers.".utf8)
    var changed = text
    for place in 0..<text.count - bytes.count where text[place..<place + bytes.count].elementsEqual(bytes) {
      changed.replaceSubrange(place..<place + bytes.count, with: other)
    }
    let path = try folder.write("changed", changed)
    let error = #expect(throws: CheckpointError.self) { _ = try Checkpoint(path) }
    #expect(
      error?.description == "\(path): its checksums are missing: expected `checksum.header` and one a tensor")
  }

  @Test func refusesOtherTensors() throws {
    let name = "blocks.1.feedForward.up.weight"
    #expect(try refusal(tensors: { $0.removeAll { $0.name == name } }) == "tensor \(name) is missing")
    #expect(
      try refusal(tensors: { $0.removeAll { $0.name == "optimizer.v." + name } }, resumes: true)
        == "tensor optimizer.v.\(name) is missing")
    #expect(
      try refusal(tensors: { $0.append(SafetensorsFileWriter.Tensor("extra", .f32, [3])) })
        == "tensor extra does not belong to the configuration")
    func replacing(_ type: SafetensorsType, _ shape: [Int]) -> (inout [SafetensorsFileWriter.Tensor]) -> Void {
      { tensors in
        tensors = tensors.map { $0.name == name ? SafetensorsFileWriter.Tensor(name, type, shape) : $0 }
      }
    }
    #expect(
      try refusal(tensors: replacing(.f32, [22, 15]))
        == "tensor \(name) is F32 [22, 15], expected F32 or BF16 or F16 [15, 22]")
    #expect(
      try refusal(tensors: replacing(.i32, [15, 22]))
        == "tensor \(name) is I32 [15, 22], expected F32 or BF16 or F16 [15, 22]")
  }

  /// Sizes are refused before anything is made by them: else this would take all memory there is.
  @Test(
    arguments: [
      ("\"layers\":2", "\"layers\":1000000000000", "layers is 1000000000000"),
      ("\"layers\":2", "\"layers\":9223372036854775807", "layers"),
      ("\"embd\":15", "\"embd\":60000000", "embd"), ("\"context\":7", "\"context\":-7", "context"),
      ("\"heads\":3", "\"heads\":4", "4 heads do not divide the width 15"),
      ("\"heads\":3", "\"heads\":0", "heads"), ("\"ffn\":22", "\"ffn\":1e3", "ffn"),
      ("\"norm\":\"pre\"", "\"norm\":\"side\"", "norm"), ("{", "[", "minigpt.configuration"),
      ("\"vocab_size\":257", "\"vocab_size\":16777216", "tokenEmbedding"),
    ]) func refusesConfigurations(part: String, other: String, word: String) throws
  {
    let message = try refusal(metadata: {
      $0["minigpt.configuration"] = $0["minigpt.configuration"]?.replacing(part, with: other)
    })
    #expect(message.contains(word))
    #expect(message != "read" && !message.contains("\n"))
  }

  @Test func refusesTokenizersOfOtherSize() throws {
    let other = String(decoding: TokenizerJSON.text(try CharacterTokenizer(Array("abc".utf8))), as: UTF8.self)
    #expect(
      try refusal(metadata: { $0["minigpt.tokenizer"] = other }) == "its tokenizer has 4 tokens, but its model 257")
    #expect(try refusal(metadata: { $0["minigpt.tokenizer"] = "{}" }).contains("tokenizer"))
    #expect(try refusal(metadata: { $0["minigpt.tokenizer"] = nil }).contains("tokenizer"))
    #expect(try refusal(metadata: { $0["minigpt.training"] = "{}" }).contains("minigpt.training"))
  }

  /// Every flipped bit is seen: by the rules of the header, or by a checksum when all is read.
  @Test func flippedBitsAreSeen() throws {
    try Model(try CharacterTokenizer(Array("abc".utf8))).write(folder.path("m"))
    let bytes = try folder.read("m"), read = Model(try CharacterTokenizer(Array("abc".utf8)), numbered: false)
    let stream = RandomStream(seed: 8, .dropout, place: 1)
    let header = try SafetensorsFile(folder.path("m")).header.dataStart
    for index in 0..<200 {
      var broken = bytes
      let place = index < 100 ? stream.integer(below: header, index) : stream.integer(below: bytes.count, index)
      broken[place] ^= 1 << UInt8(index % 8)
      let path = try folder.write("broken", broken)
      #expect(throws: (any Error).self, "bit \(index % 8) of byte \(place)") {
        try Checkpoint(path).load(into: read.memory, state: read.state)
      }
    }
  }

  /// Generation, which reads the weights where they lie, sees every flipped bit of them too.
  @Test func flippedBitsAreSeenByGeneration() throws {
    try Model().write(folder.path("m"), keepsState: false)
    let bytes = try folder.read("m"), pool = WorkerPool(threads: 1)
    let whole = try Checkpoint(folder.path("m"))
    for type in [NumberFormat.fp32, .int8] {
      let made = try DecodingWeightsReader(whole).pack(type, on: Processor(pool, .portable))
      #expect(!made.parameters.isWritable && made.weights.byteCount > 0)
    }
    let stream = RandomStream(seed: 9, .dropout, place: 1)
    let start = try SafetensorsFile(folder.path("m")).header.dataStart
    for index in 0..<200 {
      var broken = bytes
      let place = index < 20 ? bytes.count - 1 - index : start + stream.integer(below: bytes.count - start, index)
      broken[place] ^= 1 << UInt8(index % 8)
      let path = try folder.write("broken", broken)
      #expect(throws: CheckpointError.self, "bit \(index % 8) of byte \(place)") {
        try DecodingWeightsReader(Checkpoint(path)).pack(.fp32, on: Processor(pool, .portable))
      }
      #expect(throws: CheckpointError.self) { try Checkpoint(path).parameters() }
    }
  }

  @Test func truncatedFilesAreRefused() throws {
    try Model().write(folder.path("m"))
    let bytes = try folder.read("m")
    for count in [0, 7, 8, 100, bytes.count / 2, bytes.count - 1] {
      let path = try folder.write("short", Array(bytes.prefix(count)))
      #expect(throws: CheckpointError.self) { _ = try Checkpoint(path) }
    }
    let path = try folder.write("long", bytes + [0])
    #expect(throws: CheckpointError.self) { _ = try Checkpoint(path) }
  }
}
