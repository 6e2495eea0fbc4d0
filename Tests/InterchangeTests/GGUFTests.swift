import MiniGPTCheckpoints
import MiniGPTInterchange
import MiniGPTStorage
import MiniGPTTensors
import MiniGPTTestSupport
import Testing
import MiniGPTTokenization
import MiniGPTTransformer

/// Files of GGUF: written, read, and refused.
@Suite struct GGUFTests {
  let folder: Folder

  init() throws { folder = try Folder() }

  private typealias Model = NumberedModel

  private func model(
    _ tokenizer: any Tokenizer = ByteTokenizer(), _ positions: Positions = .learned
  ) -> NumberedModel {
    Model(tokenizer) {
      $0.activation = .gelu
      $0.positions = positions
      $0.width = 96
      $0.feedForwardWidth = 64
    }
  }

  private func export(
    _ model: NumberedModel, weights: NumberFormat = .fp32
  ) throws -> Path {
    try model.write(folder.path("own"))
    try ModelExport(Checkpoint(folder.path("own")), to: folder.path("m.gguf"), weights: weights)
      .write(.gguf)
    return folder.path("m.gguf")
  }

  private func refusal(_ name: String = "m.gguf") -> String {
    let path = folder.path(name)
    do {
      let checkpoint = try ForeignFormats.open(path).textModel()
      _ = try checkpoint.tokenizer()
      _ = try checkpoint.parameters()
      return "read"
    } catch { return "\(error)".replacing("\(path): ", with: "") }
  }

  /// Vocabularies whose characters GGUF has.
  private static func tokenizers() throws -> [any Tokenizer] {
    var trainer = BPETrainer(vocabularySize: 270)
    let text = Array("the quick brown fox jumps over the lazy dog; über 漢字 😀\n\"{}\\".utf8)
    let gpt2 = try trainer.train(text)
    let others = try [Splitter.cl100k, .qwen2, .smollm].map { splitter in
      trainer.splitter = splitter
      return try trainer.train(text)
    }
    return [ByteTokenizer(), try CharacterTokenizer(Array("hello, world\n".utf8)), gpt2] + others
  }

  // MARK: - There and back

  @Test(arguments: Positions.ofGPT2) func comesBackToTheLastBit(positions: Positions) throws {
    for tokenizer in try Self.tokenizers() {
      let written = model(tokenizer, positions)
      let checkpoint = try ForeignFormats.open(try export(written)).textModel()
      #expect(checkpoint.configuration == written.model.configuration)
      #expect(TokenizerJSON.text(try checkpoint.tokenizer()) == TokenizerJSON.text(tokenizer))
      let read = Model(tokenizer, numbered: false) { $0 = written.model.configuration }
      try checkpoint.load(into: read.memory)
      #expect(read.bits(state: false) == written.bits(state: false))
    }
  }

  /// Matrices are rounded as a checkpoint in that type is; rows and positions stay as they are.
  @Test(arguments: [NumberFormat.bf16, .f16]) func smallerTypes(type: NumberFormat) throws {
    let written = model()
    let checkpoint = try ForeignFormats.open(try export(written, weights: type)).textModel()
    let read = Model(numbered: false) { $0 = written.model.configuration }
    try checkpoint.load(into: read.memory)
    try ModelExport(Checkpoint(folder.path("own")), to: folder.path("small"), weights: type).write(.safetensors)
    let other = Model(numbered: false) { $0 = written.model.configuration }
    try Checkpoint(folder.path("small")).load(into: other.memory)
    for (index, parameter) in written.model.layout.parameters.enumerated() {
      let isPlain = parameter.shape.count == 1 || parameter.name == "positionEmbedding"
      #expect(
        read.bits(state: false)[index] == (isPlain ? written : other).bits(state: false)[index], "\(parameter.name)")
    }
  }

  @Test func quantized() throws {
    let file = try FileReader.bytes(of: try export(model(), weights: .int8))
    #expect(file.count % 32 == 0)
    // Two groups: the second all zero.
    let numbers = (0..<32).map { Float($0) - 15.5 } + [Float](repeating: 0, count: 32)
    var bytes: [UInt8] = []
    try FileMatrix(rows: 1, columns: 64, numbers).forEachQuantizedPiece { bytes += $0.array }
    #expect(bytes.count == 68)
    // 15.5 / 127 in half precision, then the levels.
    #expect(UInt16(bytes[0]) | UInt16(bytes[1]) << 8 == Float16(Float(15.5) / 127).bitPattern)
    for (place, number) in numbers.prefix(32).enumerated() {
      let level = Int8(bitPattern: bytes[2 + place])
      #expect(abs(Float(level) * 15.5 / 127 - number) <= 15.5 / 254 + 1e-4)
    }
    #expect(bytes.suffix(34).allSatisfy { $0 == 0 })
    #expect(throws: FileMatrix.TooLarge.self) {
      try FileMatrix(rows: 1, columns: 32, [.nan] + [Float](repeating: 1, count: 31)).forEachQuantizedPiece { _ in }
    }
  }

  // MARK: - Several files

  /// The two files of a model as llama.cpp's gguf-split writes them: the keys are in the first, each has its tensors.
  private func parts(_ bytes: [UInt8]) -> [[UInt8]] {
    func little(_ value: Int, _ size: Int) -> [UInt8] { (0..<size).map { UInt8(value >> (8 * $0) & 0xFF) } }
    func number(_ place: Int, _ size: Int) -> Int { (0..<size).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) } }
    func key(_ name: String, _ type: Int, _ value: [UInt8]) -> [UInt8] {
      little(name.utf8.count, 8) + Array(name.utf8) + little(type, 4) + value
    }
    func padded(_ bytes: [UInt8]) -> [UInt8] { bytes + [UInt8](repeating: 0, count: (32 - bytes.count % 32) % 32) }
    var place = 24
    func skip(_ type: Int) {
      switch type {
      case 7: place += 1
      case 4, 5, 6: place += 4
      case 8: place += 8 + number(place, 8)
      default:
        let (of, count) = (number(place, 4), number(place + 4, 8))
        place += 12
        for _ in 0..<count { skip(of) }
      }
    }
    for _ in 0..<number(16, 8) {
      place += 8 + number(place, 8) + 4
      skip(number(place - 4, 4))
    }
    let keys = bytes[24..<place]
    var tensors: [(head: ArraySlice<UInt8>, offset: Int)] = []
    for _ in 0..<number(8, 8) {
      let start = place
      place += 8 + number(place, 8)
      place += 4 + 8 * number(place, 4) + 4
      tensors.append((bytes[start..<place], number(place, 8)))
      place += 8
    }
    let data = Array(bytes[(place + 31) / 32 * 32..<bytes.count]), half = tensors.count / 2
    let ends = tensors.dropFirst().map(\.offset) + [data.count]
    return [0..<half, half..<tensors.count].enumerated().map { part, range in
      let start = tensors[range.lowerBound].offset
      var file = Array("GGUF".utf8) + little(3, 4) + little(range.count, 8)
      file += little((part == 0 ? number(16, 8) : 0) + 3, 8) + (part == 0 ? Array(keys) : [])
      file += key("split.no", 2, little(part, 2)) + key("split.count", 2, little(2, 2))
      file += key("split.tensors.count", 5, little(tensors.count, 4))
      for index in range { file += tensors[index].head + little(tensors[index].offset - start, 8) }
      return padded(file) + data[start..<ends[range.upperBound - 1]]
    }
  }

  @Test func severalFiles() throws {
    let written = model(), names = ["m-00001-of-00002.gguf", "m-00002-of-00002.gguf"]
    let parts = parts(try FileReader.bytes(of: try export(written)))
    try folder.write(names[0], parts[0])
    #expect(refusal(names[0]) == "part 1 of 2, and \(folder.path(names[1])) is not beside it")
    try folder.write(names[1], parts[1])
    let read = Model(numbered: false) { $0 = written.model.configuration }
    try ForeignFormats.open(folder.path(names[0])).textModel().load(into: read.memory)
    #expect(read.bits(state: false) == written.bits(state: false))
    #expect(
      refusal(names[1]) == "not supported: part 2 of 2: name the first, \(folder.path(names[0]))")
    try folder.write(names[1], parts[0])
    #expect(refusal(names[0]).hasSuffix("\(names[1]): expected part 2 of 2"))
    // A file that was cut off in the download.
    for count in [0, 20, parts[1].count - 1] {
      try folder.write(names[1], Array(parts[1].prefix(count)))
      #expect(refusal(names[0]).contains(names[1]), "\(count) bytes")
    }
  }

  /// Writes a model and reads it: rows to the last bit, matrices within a part of their largest number; what was read gives
  /// the same file again, whose bytes are returned.
  private func comesBack(in weights: NumberFormat, within part: (_ name: String) -> Float) throws -> [UInt8] {
    let written = model(), path = try export(written, weights: weights), bytes = try FileReader.bytes(of: path)
    let checkpoint = try ForeignFormats.open(path).textModel()
    let read = Model(numbered: false) { $0 = written.model.configuration }
    try checkpoint.load(into: read.memory)
    for parameter in written.model.layout.parameters {
      let before = written.memory.read(parameter.slot), after = read.memory.read(parameter.slot)
      if parameter.shape.count == 1 || parameter.name == "positionEmbedding" {
        #expect(before == after, "\(parameter.name)")
      } else {
        let limit = before.reduce(0) { max($0, abs($1)) } * part(parameter.name)
        #expect(before != after && zip(before, after).allSatisfy { abs($0 - $1) <= limit }, "\(parameter.name)")
      }
    }
    try ModelExport(checkpoint, to: folder.path("again.gguf"), weights: weights).write(.gguf)
    #expect(try folder.read("again.gguf") == bytes)
    return bytes
  }

  /// What was rounded comes back within half a step, to which a scale in half precision adds 127 / 2^11 of one; what comes
  /// of whole numbers, to the last bit.
  @Test func quantizedComesBack() throws {
    let bytes = try comesBack(in: .int8) { _ in 0.57 / 127 }
    // A row that no groups fill, and files that end early.
    let name = Array("blk.0.attn_output.weight".utf8) + [2, 0, 0, 0]
    let place = try #require((0..<bytes.count).first { bytes[$0...].starts(with: name) }) + name.count
    var broken = bytes
    broken[place] = 95
    try folder.write("m.gguf", broken)
    #expect(
      refusal() == "tensor blk.0.attn_output.weight: in Q8_0, rows of 95 numbers, which are no multiple of 32")
    for count in stride(from: 0, to: bytes.count, by: bytes.count / 17) {
      try folder.write("m.gguf", Array(bytes.prefix(count)))
      #expect(refusal() != "read", "\(count) bytes")
    }
    // Scales and levels by hand, each row with groups of its own.
    let scales: [UInt16] = [0x3C00, 0x2E66, 0x0001, 0xBC00]
    var groups: [UInt8] = [7], expected: [Float] = []
    for (group, scale) in scales.enumerated() {
      groups += [UInt8(truncatingIfNeeded: scale), UInt8(scale >> 8)]
      for place in 0..<32 {
        let level = Int8(place * (group + 1) - 127 + group)
        groups.append(UInt8(bitPattern: level))
        expected.append(Float(level) * Float(Float16(bitPattern: scale)))
      }
    }
    let map = try MappedFile(try folder.write("blocks", groups))
    let matrix = FileMatrix(quantized: map, offset: 1, .int8, rows: 2, columns: 64)
    #expect(matrix.numbers(rows: 0..<2) == expected)
    let part = (30..<35).flatMap { [expected[$0], expected[64 + $0]] }
    #expect(matrix.columns(30..<35).transposed.numbers(rows: 0..<5) == part)
  }

  /// In four bits the blocks' matrices come back within a step of the largest number (8 is no level, where -8 is one), and
  /// the table, which is Q8_0, within half of one of its steps; what comes of either, to the last bit.
  @Test func fourBitsComeBack() throws {
    _ = try comesBack(in: .int4) { $0 == "tokenEmbedding" ? 0.57 / 127 : 1 / 7 }
    // Levels by hand: the first half of a group in the lower bits.
    var groups: [UInt8] = [7], expected: [Float] = []
    for scale: UInt16 in [0x3C00, 0xAE66] {
      groups += [UInt8(truncatingIfNeeded: scale), UInt8(scale >> 8)] + (0..<16).map { UInt8($0 | (15 - $0) << 4) }
      expected += ((0..<16) + (0..<16).reversed()).map { Float($0 - 8) * Float(Float16(bitPattern: scale)) }
    }
    let map = try MappedFile(try folder.write("blocks", groups))
    let matrix = FileMatrix(quantized: map, offset: 1, .int4, rows: 2, columns: 32)
    #expect(matrix.numbers(rows: 0..<2) == expected)
  }

  /// A vocabulary with what a `tokenizer.json` says that our own training does not make.
  private static func changed(_ splitter: Splitter, _ old: String, _ new: String) throws -> any Tokenizer {
    var trainer = BPETrainer(vocabularySize: 262)
    trainer.splitter = splitter
    let text = String(decoding: TokenizerJSON.text(try trainer.train(Array("so so so so".utf8))), as: UTF8.self)
    return try TokenizerJSON.parse(Array(text.replacing(old, with: new).utf8).rawBytes, source: "t")
  }

  /// Llama 3's vocabularies are told from others of the rule by the name; a token may be text that is taken whole.
  @Test func wholePiecesAndAddedTextComeBack() throws {
    let ignores = (old: "\"ignore_merges\":false", new: "\"ignore_merges\":true")
    var llama = try Self.changed(.cl100k, ignores.old, ignores.new)
    llama.marks.isPrefixed = true
    for tokenizer in [llama, try Self.changed(.qwen2, "\"special\":true", "\"special\":false")] {
      let checkpoint = try ForeignFormats.open(try export(model(tokenizer))).textModel()
      #expect(TokenizerJSON.text(try checkpoint.tokenizer()) == TokenizerJSON.text(tokenizer))
    }
    let bytes = try FileReader.bytes(of: try export(model(llama)))
    let key = Array("add_bos_token".utf8)
    let place = try #require((0..<bytes.count).first { bytes[$0...].starts(with: key) })
    var silent = bytes
    silent.replaceSubrange(place..<place + key.count, with: Array("add_bos_tokex".utf8))
    try folder.write("m.gguf", silent)
    #expect(try ForeignFormats.open(folder.path("m.gguf")).textModel().tokenizer().marks.isPrefixed)
  }

  // MARK: - What is refused

  private func refused(_ tokenizer: any Tokenizer = ByteTokenizer(), change: (inout GPTConfiguration) -> Void) -> String
  {
    let own = Model(tokenizer, change: change)
    do {
      try own.write(folder.path("own"))
      try ModelExport(Checkpoint(folder.path("own")), to: folder.path("m.gguf"), weights: .int8).write(.gguf)
      return "written"
    } catch { return "\(error)" }
  }

  @Test func refusesWhatTheFormatCannotSay() throws {
    #expect(
      refused { $0.norm = .post }
        == "cannot be exported to gguf: post-norm blocks, which its architecture gpt2 does not have")
    #expect(
      refused { $0.activation = .relu } == "cannot be exported to gguf: ReLU, where its architecture gpt2 has GELU")
    #expect(
      refused { $0.activation = .gelu }
        == "cannot be exported to gguf: a width of 15 as int8, which needs multiples of 32")
    func fits(_ c: inout GPTConfiguration) {
      c.activation = .gelu
      c.width = 96
      c.feedForwardWidth = 64
    }
    #expect(
      refused(try CharacterTokenizer(Array("über".utf8)), change: fits)
        == "cannot be exported to gguf: a char vocabulary with characters beyond ASCII (ü);"
        + " train with --tokenizer bpe")
    var trainer = BPETrainer(vocabularySize: 262)
    trainer.splitter = .spaces
    #expect(
      refused(try trainer.train(Array("so so so so".utf8)), change: fits)
        == "cannot be exported to gguf: the rule `spaces` that cuts texts, which llama.cpp has no name for")
    #expect(
      refused(try Self.changed(.qwen2, "\"ignore_merges\":false", "\"ignore_merges\":true"), change: fits)
        == "cannot be exported to gguf: the rule `qwen2` that cuts texts with pieces that are tokens taken whole, which"
        + " llama.cpp has no name for")
    #expect(try folder.names() == ["own"])
    #expect(refused(change: fits) == "written")
  }

  @Test func refusesOtherFiles() throws {
    let bytes = try FileReader.bytes(of: try export(model()))
    func change(_ old: [UInt8], _ new: [UInt8], at place: Int? = nil) throws -> String {
      var changed = bytes
      let start =
        try place ?? #require((0..<bytes.count - old.count).first { Array(bytes[$0..<$0 + old.count]) == old })
      changed.replaceSubrange(start..<start + old.count, with: new)
      try folder.write("m.gguf", changed)
      return refusal()
    }
    func text(_ old: String, _ new: String) throws -> String { try change(Array(old.utf8), Array(new.utf8)) }
    #expect(try text("GGUF", "GGML") == "no model that minigpt can open: it does not begin with GGUF")
    #expect(try change([3], [9], at: 4) == "not supported: GGUF version 9; minigpt reads 2 and 3")
    #expect(try change([3, 0, 0, 0], [0, 0, 0, 3], at: 4) == "not supported: a big-endian file")
    #expect(try change([0], [1], at: 15).contains("number of tensors: expected at most 65536, found"))
    #expect(try change([0], [1], at: 23).contains("number of keys: expected at most 65536, found"))
    #expect(try change([0], [64], at: 31).contains("left in the file"))
    #expect(
      try text("gpt2.context_length", "gpt2.context_lengxx") == "gpt2.context_length: is missing")
    #expect(
      try change(
        Array("architecture".utf8) + [8, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0] + Array("gpt2".utf8),
        Array("architecture".utf8) + [8, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0] + Array("bert".utf8))
        == "not supported: general.architecture `bert`; minigpt reads `gpt2`, `llama` and `qwen3`")
    #expect(try text("gpt-2", "gpt-7") == "read")  // nothing is merged: nothing need be cut
    #expect(try text("blk.1.ffn_up.weight", "blk.1.ffn_up.weighs") == "tensor blk.1.ffn_up.weight is missing")
    #expect(try text("gpt2.vocab_size", "gpt2.block_count").hasPrefix("key gpt2"))
    let count = Array("gpt2.block_count".utf8) + [4, 0, 0, 0]
    #expect(try change(count + [2, 0, 0, 0], count + [3, 0, 0, 0]) == "tensor blk.2.attn_norm.weight is missing")
    #expect(try change(count + [2, 0, 0, 0], count + [255, 255, 255, 15]).contains("layers is 268435455"))
    #expect(try change(count + [2, 0, 0, 0], count + [0, 0, 0, 0]).contains("gpt2.block_count: expected 1 to"))
    let width = Array("gpt2.embedding_length".utf8) + [4, 0, 0, 0]
    #expect(try change(width + [96], width + [48]).contains("is [7, 96], expected [7, 48]"))
    // A list that says it has more than the file could hold.
    let tokens = Array("tokenizer.ggml.tokens".utf8) + [9, 0, 0, 0, 8, 0, 0, 0]
    #expect(try change(tokens + [1, 1], tokens + [255, 255, 255, 255, 255, 255, 255]).contains("a list of"))
    // A tensor's place, and its type.
    let name = Array("output_norm.bias".utf8) + [1, 0, 0, 0, 96, 0, 0, 0, 0, 0, 0, 0]
    #expect(try change(name, name.dropLast() + [1]).contains("tensor output_norm.bias"))
    #expect(
      try change(name + [0, 0, 0, 0], name + [12, 0, 0, 0])
        == "not supported: tensor output_norm.bias in Q4_K; minigpt reads F32, F16, BF16, Q8_0 and Q4_0")
    // Shorter and longer.
    for count in stride(from: 0, to: bytes.count, by: bytes.count / 31) {
      try folder.write("m.gguf", Array(bytes.prefix(count)))
      #expect(refusal() != "read", "\(count) bytes")
    }
    try folder.write("m.gguf", bytes + [UInt8](repeating: 0, count: 64))
    #expect(refusal().contains("data: expected a file of"))
    #expect(refusal("missing").contains("cannot be opened"))
  }

  /// Whatever bit is wrong in the header, there is an answer.
  @Test func damagedHeaders() throws {
    let bytes = try FileReader.bytes(of: try export(model()))
    for place in 0..<min(bytes.count, 3000) where place % 23 == 0 {
      var broken = bytes
      broken[place] ^= UInt8(1 << (place % 8))
      try folder.write("m.gguf", broken)
      let answer = refusal()
      #expect(!answer.isEmpty && !answer.contains("\n"))
    }
  }
}
