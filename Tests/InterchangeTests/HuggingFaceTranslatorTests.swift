import MiniGPTCheckpoints
import MiniGPTInterchange
import MiniGPTParallel
import MiniGPTStorage
import MiniGPTTensors
import MiniGPTTestSupport
import Testing
import MiniGPTTokenization
import MiniGPTTransformer

/// Translators as Marian and as Pegasus: written, read, and refused.
@Suite struct HuggingFaceTranslatorTests {
  let folder: Folder

  init() throws { folder = try Folder() }

  /// A translator with numbers everywhere but in the row of `<pad>`.
  private struct Model {
    let tokenizer: any Tokenizer
    let model: EncoderDecoder
    let memory: Memory

    init(numbered: Bool = true, change: (inout TranslatorConfiguration) -> Void = { _ in }) throws {
      var trainer = BPETrainer(vocabularySize: 270)
      trainer.layout = .translation
      tokenizer = try trainer.train(Array("the fox and the dog, the dog and the fox".utf8))
      var configuration = TranslatorConfiguration(
        vocabularySize: tokenizer.vocabularySize, context: 9, encoderLayers: 2, decoderLayers: 1, heads: 2, width: 12,
        feedForwardWidth: 20)
      change(&configuration)
      model = EncoderDecoder(configuration)
      memory = Memory(MemoryPlan(), ParameterStorage(count: model.layout.count), on: .plain())
      if !numbered { return }
      let stream = RandomStream(seed: 3, .dropout, place: 2)
      for parameter in model.layout.parameters {
        let slot = parameter.slot
        memory.write(slot, (0..<slot.count).map { Float(stream.uniform(slot.offset + $0) - 0.5) })
      }
      let table = model.encoder.embedding.table
      memory.fill(table.rows(table.rows - 1..<table.rows), 0)
    }

    func bits() -> [[UInt32]] { model.layout.parameters.map { memory.read($0.slot).map(\.bitPattern) } }

    func write(_ path: Path) throws {
      try TranslatorCheckpoint.write(
        path, model, tokenizer: TokenizerJSON.text(tokenizer), record: nil, from: memory)
    }
  }

  private func export(_ model: Model) throws -> Path {
    try model.write(folder.path("own"))
    try ModelExport(TranslatorCheckpoint(folder.path("own")), to: folder.path("hf"), weights: .fp32)
      .write(.huggingFace, replacing: true)
    return folder.path("hf")
  }

  private func refusal() -> String {
    do {
      let checkpoint = try ModelFile.open(folder.path("hf")).translator()
      _ = try checkpoint.tokenizer()
      _ = try checkpoint.parameters()
      return "read"
    } catch {
      return "\(error)".replacing("\(folder.path("hf"))/", with: "").replacing("\(folder.path("hf")): ", with: "")
    }
  }

  @Test(arguments: NormPlacement.allCases, Activation.allCases)
  func comesBackToTheLastBit(norm: NormPlacement, activation: Activation) throws {
    let written = try Model {
      $0.norm = norm
      $0.activation = activation
    }
    let path = try export(written)
    let checkpoint = try ModelFile.open(path).translator()
    #expect(checkpoint.configuration == written.model.configuration)
    #expect(TokenizerJSON.text(try checkpoint.tokenizer()) == TokenizerJSON.text(written.tokenizer))
    let read = try Model(numbered: false) { $0 = written.model.configuration }
    try checkpoint.load(into: read.memory)
    #expect(read.bits() == written.bits())
    let config = String(decoding: try folder.read("hf/config.json"), as: UTF8.self)
    #expect(config.contains(norm == .pre ? "\"pegasus\"" : "\"marian\""))
    #expect(config.contains(norm == .pre ? "PegasusForConditionalGeneration" : "MarianMTModel"))
    let error = #expect(throws: CheckpointError.self) { _ = try ModelFile.open(path).textModel() }
    #expect(error?.description.contains("where a language model is wanted") == true)
  }

  /// Their first channel is our first, their second our third: sines come before cosines.
  @Test func channelsAreInTheirOrder() throws {
    let written = try Model()
    let path = try export(written)
    let file = try SafetensorsFile(path.appending("model.safetensors"))
    func numbers(_ name: String) throws -> [Float] {
      let tensor = try file.tensor(name)
      let bytes = file.bytes(of: tensor)
      return (0..<tensor.byteCount / 4).map { bytes.load(Float.self, at: 4 * $0) }
    }
    let order = [0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11], block = written.model.encoder.blocks[1]
    let table = written.memory.read(written.model.encoder.embedding.table)
    #expect(try numbers("model.shared.weight").prefix(12) == order.map { table[$0] }[...])
    // A key's weights read the stream: [out, in], inputs in their order.
    let weight = written.memory.read(block.attention.queryKeyValue.weight)
    let keys = try numbers("model.encoder.layers.1.self_attn.k_proj.weight")
    for out in 0..<12 {
      let line = Array(keys[12 * out..<12 * (out + 1)])
      #expect(line == order.map { weight[$0 * 36 + 12 + out] })
    }
    let down = written.memory.read(block.feedForward.down.weight)
    let second = try numbers("model.encoder.layers.1.fc2.weight")
    for row in 0..<12 {
      let line = Array(second[20 * row..<20 * (row + 1)])
      #expect(line == (0..<20).map { down[$0 * 12 + order[row]] })
    }
    let gain = written.memory.read(block.attentionNorm.norm.gain)
    #expect(try numbers("model.encoder.layers.1.self_attn_layer_norm.weight") == order.map { gain[$0] })
    let bias = try numbers("final_logits_bias")
    #expect(bias.dropLast().allSatisfy { $0 == 0 } && bias.last == -1e9)
  }

  @Test func refusesWhatTheFormatCannotSay() throws {
    let error = #expect(throws: InterchangeError.self) { try export(Model { $0.positions = .learned }) }
    #expect(
      error?.description
        == "cannot be exported to hf: learned positions, which pegasus does not have")
    let gguf = #expect(throws: InterchangeError.self) {
      try ModelExport(TranslatorCheckpoint(folder.path("own")), to: folder.path("x"), weights: .fp32).write(.gguf)
    }
    #expect(gguf?.description == "cannot be exported to gguf: a translator, which llama.cpp does not run")
    #expect(try folder.names() == ["own"])
  }

  @Test func refusesOtherModels() throws {
    _ = try export(Model())
    let configuration = String(decoding: try folder.read("hf/config.json"), as: UTF8.self)
    for (old, new, words) in [
      ("\"scale_embedding\": true", "\"scale_embedding\": false", "expected `scale_embedding` to be true, found false"),
      ("\"eos_token_id\": 0", "\"eos_token_id\": 2", "expected 0: `</s>` is 0"),
      (
        "\"relu\"", "\"gelu\"",
        "expected `activation_function` to be `gelu_new`, `relu`, `relu2` or `silu`, found `gelu`"
      ),
      ("\"decoder_ffn_dim\": 20", "\"decoder_ffn_dim\": 24", "expected 20, as `encoder_ffn_dim`, found 24"),
      ("\"decoder_layers\": 1", "\"decoder_layers\": 2", "model.decoder.layers.1.self_attn.q_proj.weight is missing"),
      ("\"encoder_layers\": 2", "\"encoder_layers\": 1", "does not belong to the configuration"),
      ("MarianMTModel", "MarianForCausalLM", "expected MarianMTModel, found MarianForCausalLM"),
      (
        "\"d_model\": 12", "\"d_model\": 60000",
        "expected F32, F16 or BF16 [\(try Model().tokenizer.vocabularySize), 60000]"
      ),
    ] {
      #expect(configuration.contains(old))
      try folder.write("hf/config.json", configuration.replacing(old, with: new))
      #expect(refusal().contains(words), "\(refusal())")
    }
    try folder.write("hf/config.json", configuration)
    #expect(refusal() == "read")
    try folder.write("hf/tokenizer.json", TokenizerJSON.text(ByteTokenizer()))
    #expect(refusal() == "its tokenizer must have the special token </s> as id 0")
  }
}
