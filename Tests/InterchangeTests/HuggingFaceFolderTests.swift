import MiniGPTCheckpoints
import MiniGPTInterchange
import Foundation
import MiniGPTStorage
import MiniGPTTensors
import MiniGPTTestSupport
import Testing
import MiniGPTTokenization
import MiniGPTTransformer

/// Folders of Hugging Face's GPT-2: written, read, and refused.
@Suite struct HuggingFaceFolderTests {
  let folder: Folder

  init() throws { folder = try Folder() }

  private typealias Model = NumberedModel

  private func export(
    _ model: Model, _ name: String = "hf", weights: NumberFormat = .fp32, replacing: Bool = false
  ) throws -> Path {
    try model.write(folder.path("own"))
    try ModelExport(Checkpoint(folder.path("own")), to: folder.path(name), weights: weights)
      .write(.huggingFace, replacing: replacing)
    return folder.path(name)
  }

  private func edit(_ file: String, _ old: String, _ new: String) throws {
    let text = String(decoding: try folder.read(file), as: UTF8.self)
    #expect(text.contains(old), "\(old) in \(file)")
    try folder.write(file, text.replacing(old, with: new))
  }

  private func refusal(_ name: String = "hf") -> String {
    let path = folder.path(name)
    do {
      let checkpoint = try ModelFile.open(path).textModel()
      _ = try checkpoint.tokenizer()
      _ = try checkpoint.parameters()
      return "read"
    } catch { return "\(error)".replacing("\(path)/", with: "").replacing("\(path): ", with: "") }
  }

  // MARK: - There and back

  /// Weights in fp32 come back to the last bit, configuration and tokenizer too, whatever the vocabulary.
  @Test(arguments: Positions.ofGPT2) func comesBackToTheLastBit(positions: Positions) throws {
    for tokenizer in try NumberedModel.tokenizers() {
      let written = Model(tokenizer) {
        $0.positions = positions
        $0.width = 18
      }
      let path = try export(written, replacing: true)
      let checkpoint = try ModelFile.open(path).textModel()
      #expect(checkpoint.configuration == written.model.configuration)
      #expect(checkpoint.record == nil && !checkpoint.hasOptimizerState)
      #expect(TokenizerJSON.text(try checkpoint.tokenizer()) == TokenizerJSON.text(tokenizer))
      let read = Model(tokenizer, numbered: false) { $0 = written.model.configuration }
      try checkpoint.load(into: read.memory)
      #expect(read.bits(state: false) == written.bits(state: false))
      // Imported, it is the checkpoint's own weights.
      try ModelExport(checkpoint, to: folder.path("back"), weights: .fp32).write(.safetensors)
      try ModelExport(Checkpoint(folder.path("own")), to: folder.path("weights"), weights: .fp32).write(.safetensors)
      #expect(try folder.read("back") == folder.read("weights"))
    }
    #expect(try folder.names().sorted() == ["back", "hf", "own", "weights"])
  }

  @Test(arguments: [NumberFormat.bf16, .f16]) func smallerTypes(type: NumberFormat) throws {
    let written = Model()
    let folderPath = try export(written, weights: type)
    let checkpoint = try ModelFile.open(folderPath).textModel()
    let read = Model(numbered: false)
    try checkpoint.load(into: read.memory)
    let tolerance: Float = type == .bf16 ? 0x1p-8 : 0x1p-11
    let pairs = zip(written.bits(state: false).joined(), read.bits(state: false).joined())
    #expect(
      pairs.allSatisfy { mine, its in
        let (mine, its) = (Float(bitPattern: mine), Float(bitPattern: its))
        return abs(mine - its) <= tolerance * max(abs(mine), 0x1p-14)
      })
    // A checkpoint of ours holds the same numbers in the same type.
    try ModelExport(Checkpoint(folder.path("own")), to: folder.path("small"), weights: type).write(.safetensors)
    let small = try Checkpoint(folder.path("small"))
    let other = Model(numbered: false)
    try small.load(into: other.memory)
    #expect(other.bits(state: false) == read.bits(state: false))
    #expect(try small.parameters().isWritable)
    #expect(try #require(Files.size(folder.path("small"))) < #require(Files.size(folder.path("own"))) / 4)
  }

  /// A sinusoidal table that somebody trained on is a learned one.
  @Test func changedTablesAreLearned() throws {
    let path = try export(
      Model {
        $0.positions = .sinusoidal; $0.width = 18
      }, weights: .bf16)
    #expect(try ModelFile.open(path).textModel().configuration.positions == .sinusoidal)
    let file = try SafetensorsFile(path.appending("model.safetensors"))
    var bytes = try folder.read("hf/model.safetensors")
    bytes[try file.tensor("transformer.wpe.weight").range.lowerBound + 5] ^= 0x10
    try strippedOfChecksums(bytes, file)
    #expect(try ModelFile.open(path).textModel().configuration.positions == .learned)
  }

  /// Writes the tensors again without checksums, as other programs do; `change` may drop, rename and reshape.
  private func rewrite(
    _ name: String = "hf/model.safetensors", only: (String) -> Bool = { _ in true },
    change: (String, String, [Int]) -> (name: String, type: String, shape: [Int])
  ) throws {
    let file = try SafetensorsFile(folder.path("hf/model.safetensors"))
    var header: [String: Any] = ["__metadata__": ["format": "pt"]], data: [UInt8] = []
    for tensor in file.tensors where only(tensor.name) {
      let new = change(tensor.name, tensor.type.rawValue, tensor.shape)
      let start = data.count
      data += file.bytes(of: tensor).array
      header[new.name] = ["dtype": new.type, "shape": new.shape, "data_offsets": [start, data.count]]
    }
    try write(header, data, name)
  }

  private func write(_ header: [String: Any], _ data: [UInt8], _ name: String) throws {
    let json = Array(try JSONSerialization.data(withJSONObject: header))
    let count = [UInt64(json.count)]
    try folder.write(name, count.rawBytes.array + json + data)
  }

  private func strippedOfChecksums(_ bytes: [UInt8], _ file: SafetensorsFile) throws {
    try folder.write("hf/model.safetensors", bytes)
    try rewrite { ($0, $1, $2) }
  }

  // MARK: - As others write it

  /// Without the prefix, with the masks of old files, with the output matrix beside the embedding.
  @Test func namesOfOthers() throws {
    let written = Model()
    _ = try export(written)
    try rewrite { name, type, shape in (name.replacing("transformer.", with: ""), type, shape) }
    let file = try SafetensorsFile(folder.path("hf/model.safetensors"))
    var header: [String: Any] = [:], data: [UInt8] = []
    for tensor in file.tensors {
      header[tensor.name] = [
        "dtype": "F32", "shape": tensor.shape, "data_offsets": [data.count, data.count + tensor.byteCount],
      ]
      data += file.bytes(of: tensor).array
    }
    let embedding = file.bytes(of: try file.tensor("wte.weight")).array
    header["lm_head.weight"] = [
      "dtype": "F32", "shape": [257, 15], "data_offsets": [data.count, data.count + embedding.count],
    ]
    data += embedding
    header["h.1.attn.bias"] = ["dtype": "U8", "shape": [1, 1, 3], "data_offsets": [data.count, data.count + 3]]
    data += [1, 0, 1]
    try write(header, data, "hf/model.safetensors")
    let read = Model(numbered: false)
    try ModelFile.open(folder.path("hf")).textModel().load(into: read.memory)
    #expect(read.bits(state: false) == written.bits(state: false))
    // Another output matrix is another model.
    data[data.count - 4] ^= 1
    try write(header, data, "hf/model.safetensors")
    #expect(refusal() == "not supported: lm_head.weight differs from the embedding: minigpt's output is tied to it")
  }

  private func shards(_ index: [String: Any]? = nil) throws -> [String: String] {
    let file = try SafetensorsFile(folder.path("hf/model.safetensors"))
    var map: [String: String] = [:]
    for tensor in file.tensors { map[tensor.name] = tensor.name.contains(".h.0.") ? "b.safetensors" : "a.safetensors" }
    for name in ["a.safetensors", "b.safetensors"] {
      try rewrite("hf/" + name, only: { map[$0] == name }) { ($0, $1, $2) }
    }
    try write(index: map)
    try FileManager.default.removeItem(atPath: "\(folder.path("hf/model.safetensors"))")
    return map
  }

  private func write(index map: [String: Any]) throws {
    let json = try JSONSerialization.data(withJSONObject: ["metadata": ["total_size": 1e9], "weight_map": map])
    try folder.write("hf/model.safetensors.index.json", Array(json))
  }

  @Test func severalFiles() throws {
    let written = Model()
    _ = try export(written)
    var map = try shards()
    let read = Model(numbered: false)
    try ModelFile.open(folder.path("hf")).textModel().load(into: read.memory)
    #expect(read.bits(state: false) == written.bits(state: false))

    let name = "transformer.h.0.ln_1.bias"
    map[name] = "a.safetensors"
    try write(index: map)
    #expect(refusal().hasSuffix("tensor \(name) is missing") == false)
    #expect(refusal().contains("tensor \(name) should be in a.safetensors, but is in "))
    map[name] = "../own"
    try write(index: map)
    #expect(refusal().contains("expected the name of a file in this folder, found `../own`"))
    for way in ["/etc/passwd", "..", "x/y", "", "a\u{0}b", "..\\own"] {
      map[name] = way
      try write(index: map)
      #expect(refusal().contains("expected the name of a file in this folder"), "\(way)")
    }
    map[name] = "c.safetensors"
    try write(index: map)
    #expect(refusal().contains("c.safetensors: cannot be opened: No such file"))
    map[name] = nil
    try write(index: map)
    #expect(refusal() == "model.safetensors.index.json: tensor \(name) is in a file, but not in the index")
    map[name] = "b.safetensors"
    map["extra"] = "b.safetensors"
    try write(index: map)
    #expect(refusal() == "b.safetensors: tensor extra is missing")
    try write(index: ["a": 5])
    #expect(refusal() == "model.safetensors.index.json: field `weight_map.a`: expected a string, found an integer")
    // The same tensor in two files.
    map["extra"] = nil
    try write(index: map)
    try folder.write("hf/b.safetensors", try folder.read("hf/a.safetensors"))
    #expect(refusal().contains("stands in "))
  }

  // MARK: - What is refused

  @Test func refusesOtherModels() throws {
    _ = try export(Model())
    let configuration = try folder.read("hf/config.json")
    func change(_ old: String, _ new: String) throws -> String {
      try folder.write("hf/config.json", configuration)
      try edit("hf/config.json", old, new)
      return refusal()
    }
    #expect(
      try change("\"model_type\": \"gpt2\"", "\"model_type\": \"mistral\"").hasPrefix(
        "config.json: not supported: model_type `mistral`; minigpt reads `gpt2`, `llama`, `qwen3`, `marian` and `pegasus`"
      ))
    #expect(
      try change("GPT2LMHeadModel", "GPT2ForSequenceClassification")
        == "config.json: field `architectures[0]`: expected GPT2LMHeadModel, found GPT2ForSequenceClassification")
    #expect(
      try change("\"relu\"", "\"tanh\"")
        == "config.json: field `activation_function`: expected `gelu_new`, `relu`, `relu2` or `silu`, found `tanh`")
    #expect(
      try change("\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false")
        == "config.json: field `tie_word_embeddings`: expected true, found false")
    #expect(try change("1e-05", "1e-06") == "config.json: field `layer_norm_epsilon`: expected 1e-05, found 1e-06")
    #expect(
      try change("\"torch_dtype\"", "\"quantization_config\": {}, \"torch_dtype\"")
        == "config.json: field `quantization_config`: expected weights in fp32, fp16 or bf16, found quantized ones")
    for (old, new, words) in [
      ("\"n_layer\": 2", "\"n_layer\": 1000000000", "layers is 1000000000"),
      ("\"n_layer\": 2", "\"n_layer\": 3", "tensor transformer.h.2.ln_1.weight is missing"),
      ("\"n_layer\": 2", "\"n_layer\": 1", "does not belong to the configuration"),
      ("\"n_embd\": 15", "\"n_embd\": 18", "expected F32, F16 or BF16 [7, 18]"),
      ("\"n_embd\": 15", "\"n_embd\": \"15\"", "expected an integer, found a string"),
      ("\"n_head\": 3", "\"n_head\": 4", "4 heads do not divide the width 15"),
      ("\"n_positions\": 7", "\"n_positions\": 9223372036854775807", "n_positions"),
      ("\"vocab_size\": 257", "\"vocab_size\": 256", "expected F32, F16 or BF16 [256, 15]"),
      ("\"n_inner\": 22", "\"n_inner\": null", "expected F32, F16 or BF16 [15, 60]"),
      ("\"eos_token_id\": 256", "\"eos_token_id\": \"7\"", "expected an integer"),
      ("{", "[", "config.json: byte"),
    ] {
      let message = try change(old, new)
      #expect(message.contains(words), "\(message)")
      #expect(!message.contains("\n"))
    }
    // A default that was never set says nothing.
    #expect(try change("\"eos_token_id\": 256", "\"eos_token_id\": 50256") == "read")
    #expect(try change("\"relu\"", "\"gelu_pytorch_tanh\"") == "read")
  }

  @Test func refusesOtherTensors() throws {
    _ = try export(Model())
    let name = "transformer.h.1.mlp.c_fc.weight", original = try folder.read("hf/model.safetensors")
    func change(_ new: @escaping (String, String, [Int]) -> (String, String, [Int])) throws -> String {
      try folder.write("hf/model.safetensors", original)
      try rewrite { $0 == name ? new($0, $1, $2) : ($0, $1, $2) }
      return refusal()
    }
    #expect(try change { ($0, $1, $2) } == "read")
    #expect(
      try change { ($0, $1, $2.reversed()) }
        == "model.safetensors: tensor \(name) is F32 [22, 15], expected F32, F16 or BF16 [15, 22]")
    #expect(try change { ($0, "I32", $2) }.contains("is I32 [15, 22], expected F32, F16 or BF16 [15, 22]"))
    #expect(try change { ($0 + "x", $1, $2) } == "model.safetensors: tensor \(name) is missing")
    #expect(try change { name, type, _ in (name, type, [15, 22, 1 << 60]) }.contains("model.safetensors"))
    // Any damage is seen by a rule of the header, or by a checksum when all is read.
    for place in stride(from: 0, to: original.count, by: original.count / 150) {
      var bytes = original
      bytes[place] ^= 4
      try folder.write("hf/model.safetensors", bytes)
      #expect(refusal() != "read", "byte \(place)")
    }
    for count in [0, 7, 9, 1000, original.count - 1] {
      try folder.write("hf/model.safetensors", Array(original.prefix(count)))
      #expect(refusal().hasPrefix("model.safetensors"))
    }
  }

  @Test func refusesOtherTokenizers() throws {
    _ = try export(Model())
    try folder.write("hf/tokenizer.json", TokenizerJSON.text(try CharacterTokenizer(Array("abc".utf8))))
    #expect(refusal() == "its tokenizer has 4 tokens, but its model 257")
    try folder.write("hf/tokenizer.json", "{")
    #expect(refusal().hasPrefix("tokenizer.json"))
    try FileManager.default.removeItem(atPath: "\(folder.path("hf/tokenizer.json"))")
    #expect(refusal() == "no tokenizer: expected tokenizer.json, or vocab.json and merges.txt")
  }

  @Test func refusesFoldersWithoutAModel() throws {
    try FileManager.default.createDirectory(atPath: "\(folder.path("hf"))", withIntermediateDirectories: true)
    #expect(refusal() == "no model that minigpt can open: there is no config.json in it")
    try folder.write("hf/config.json", "{\"model_type\": \"gpt2\"}")
    #expect(refusal() == "config.json: field `n_embd`: is missing")
    _ = try export(Model(), "other")
    try folder.write("hf/config.json", try folder.read("other/config.json"))
    #expect(
      refusal()
        == "no model that minigpt can open: there is no model.safetensors and no model.safetensors.index.json in it")
    try folder.write("hf/pytorch_model.bin", "\u{80}\u{2}")
    #expect(refusal() == "pytorch_model.bin: not supported: weights as a pickle; save the model with safetensors")
  }

  /// What GPT-2 cannot say is refused before anything is written.
  @Test func refusesWhatTheFormatCannotSay() throws {
    let error = #expect(throws: InterchangeError.self) { try export(Model { $0.norm = .post }) }
    #expect(error?.description == "cannot be exported to hf: post-norm blocks, which GPT-2 does not have")
    let large = Model()
    large.memory.setValue(large.model.decoder.blocks[0].attention.output.weight, 0, 0, 1e6)
    let other = #expect(throws: InterchangeError.self) { try export(large, weights: .f16) }
    #expect(
      other?.description
        == "tensor transformer.h.0.attn.c_proj.weight: 1000000.0 cannot be written as f16")
    #expect(try folder.names() == ["own"])
  }
}
