import MiniGPTCheckpoints
import MiniGPTInterchange
import MiniGPTStorage
import MiniGPTTensors
import MiniGPTTestSupport
import Testing
import MiniGPTTokenization
import MiniGPTTransformer

/// Llama and Qwen3 of other programs, as folders and as GGUF: written, read, and refused.
@Suite struct LlamaTests {
  let folder: Folder

  init() throws { folder = try Folder() }

  /// A shape of one of the families.
  struct Shape: Sendable, CustomStringConvertible {
    let description: String
    let change: @Sendable (inout GPTConfiguration) -> Void

    static let all = [
      Shape(description: "llama") { llama(&$0) },
      Shape(description: "llama, grouped, untied") {
        llama(&$0)
        ($0.block.keyValueHeads, $0.isTied, $0.block.rotaryBase) = (2, false, 500_000)
      },
      Shape(description: "llama, biases, heads of their own width") {
        llama(&$0)
        ($0.block.hasBiases, $0.block.headWidth, $0.block.normEpsilon) = (true, 8, 1e-5)
      },
      Shape(description: "llama, slowed down") {
        llama(&$0)
        ($0.block.rotaryScaling.kind, $0.block.rotaryScaling.factor) = (.linear, 2.5)
      },
      Shape(description: "qwen3") { qwen(&$0) },
      Shape(description: "qwen3, one head of keys, untied") {
        qwen(&$0)
        ($0.block.keyValueHeads, $0.isTied) = (1, false)
      },
      Shape(description: "qwen3, heads of their own width") {
        qwen(&$0)
        ($0.block.headWidth, $0.block.rotaryBase, $0.width) = (10, 1e6, 18)
      },
    ]

    static func llama(_ c: inout GPTConfiguration) {
      c.block = BlockConfiguration(heads: 4, width: 24, feedForwardWidth: 22, positions: .rotary, activation: .silu)
      (c.block.normKind, c.block.normEpsilon, c.block.isGated, c.block.hasBiases) = (.rms, 1e-6, true, false)
    }

    static func qwen(_ c: inout GPTConfiguration) {
      llama(&c)
      c.block.normalizesQueriesAndKeys = true
    }
  }

  private func export(
    _ model: NumberedModel, _ format: ExportFormat, weights: NumberFormat = .fp32
  ) throws -> Path {
    try model.write(folder.path("own"))
    let path = folder.path(format.rawValue)
    try ModelExport(Checkpoint(folder.path("own")), to: path, weights: weights).write(format, replacing: true)
    return path
  }

  private func refusal(_ path: Path) -> String {
    do {
      _ = try ModelFile.open(path).textModel().parameters()
      return "read"
    } catch { return "\(error)".replacing("\(path)/", with: "").replacing("\(path): ", with: "") }
  }

  /// Weights in fp32 come back to the last bit, and the shape.
  @Test(arguments: Shape.all, [ExportFormat.huggingFace, .gguf])
  func comesBackToTheLastBit(shape: Shape, format: ExportFormat) throws {
    let written = NumberedModel(change: shape.change)
    let checkpoint = try ModelFile.open(try export(written, format)).textModel()
    #expect(checkpoint.configuration == written.model.configuration)
    let read = NumberedModel(numbered: false) { $0 = written.model.configuration }
    try checkpoint.load(into: read.memory)
    #expect(read.bits(state: false) == written.bits(state: false))
    #expect(TokenizerJSON.text(try checkpoint.tokenizer()) == TokenizerJSON.text(written.tokenizer))
  }

  /// In bf16 both containers hold what a checkpoint in that type holds.
  @Test(arguments: [ExportFormat.huggingFace, .gguf]) func smallerTypes(format: ExportFormat) throws {
    let written = NumberedModel(change: Shape.all[1].change)
    let checkpoint = try ModelFile.open(try export(written, format, weights: .bf16)).textModel()
    for parameter in written.model.layout.parameters {
      let read = NumberedModel(numbered: false) { $0 = written.model.configuration }
      try checkpoint.load(into: read.memory)
      for (before, after) in zip(written.memory.read(parameter.slot), read.memory.read(parameter.slot)) {
        #expect(abs(before - after) <= 0x1p-8 * abs(before), "\(parameter.name)")
      }
    }
  }

  /// GGUF's llama turns neighbours: of a head of six channels its rows are 0, 3, 1, 4, 2, 5 of Hugging Face's. Its qwen3
  /// turns halves.
  @Test(arguments: [(0, [0, 3, 1, 4, 2, 5]), (1, [0, 3, 1, 4, 2, 5]), (4, [0, 1, 2, 3, 4, 5])])
  func rowsOfQueriesAndKeysStandInTheirOrder(shape: Int, order: [Int]) throws {
    let written = NumberedModel(change: Shape.all[shape].change)
    let file = try SafetensorsFile(try export(written, .huggingFace).appending("model.safetensors"))
    let theirs = try folder.read("hf/model.safetensors"), gguf = try FileReader.bytes(of: try export(written, .gguf))
    let rowBytes = 4 * written.model.configuration.width
    for name in ["q_proj", "k_proj"] {
      let range = try file.tensor("model.layers.1.self_attn.\(name).weight").range
      var rows: [[UInt8]] = []
      for start in stride(from: range.lowerBound, to: range.upperBound, by: rowBytes) {
        rows.append(Array(theirs[start..<start + rowBytes]))
      }
      var expected: [UInt8] = []
      for row in 0..<rows.count { expected += rows[row / 6 * 6 + order[row % 6]] }
      let start = try #require(place(of: Array(expected.prefix(64)), in: gguf))
      #expect(Array(gguf[start..<start + expected.count]) == expected, "\(name)")
    }
  }

  /// Llama 3.1's scaling comes through folders; GGUF has a table of factors in its place.
  @Test func slowPairsAreSlowedDown() throws {
    let written = NumberedModel {
      Shape.llama(&$0)
      $0.block.rotaryScaling.kind = .llama3
      ($0.block.rotaryScaling.factor, $0.block.rotaryScaling.original) = (8, 64)
    }
    let path = try export(written, .huggingFace)
    #expect(try ModelFile.open(path).textModel().configuration == written.model.configuration)
    #expect(throws: InterchangeError.self) { try export(written, .gguf) }
  }

  private func place(of part: [UInt8], in bytes: [UInt8]) -> Int? {
    (0..<bytes.count).first { bytes[$0...].starts(with: part) }
  }

  /// What a field of other files would change is refused by its name.
  @Test func refusesWhatItDoesNotUnderstand() throws {
    let path = try export(NumberedModel(change: Shape.all[4].change), .huggingFace)
    let configuration = String(decoding: try folder.read("hf/config.json"), as: UTF8.self)
    for (old, new, words) in [
      ("Qwen3ForCausalLM", "Qwen3ForSequenceClassification", "expected Qwen3ForCausalLM"),
      ("\"silu\"", "\"gelu\"", "`hidden_act`: expected `silu`, found `gelu`"),
      ("\"use_sliding_window\": false", "\"use_sliding_window\": true", "`use_sliding_window`: expected false"),
      ("\"rope_type\": \"default\"", "\"rope_type\": \"yarn\"", "`rope_parameters.rope_type`: expected `default`"),
      ("\"rope_scaling\": null", "\"rope_scaling\": {\"type\": \"dynamic\"}", "expected `default`"),
      ("\"attention_bias\": false", "\"attention_bias\": true", "`attention_bias`: expected false, found true"),
      ("\"use_cache\": true", "\"layer_types\": [\"full_attention\", \"sliding_attention\"]", "`layer_types[1]`"),
      ("\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false", "lm_head.weight is missing"),
      ("\"num_key_value_heads\": 4", "\"num_key_value_heads\": 3", "4 heads cannot share 3"),
      ("\"head_dim\": 6", "\"head_dim\": 8", "q_proj.weight"),
      ("\"head_dim\": 6", "\"head_dim\": 7", "even width"),
      ("\"model_type\": \"qwen3\"", "\"model_type\": \"llama\"", "expected LlamaForCausalLM"),
    ] {
      #expect(configuration.contains(old), "\(old)")
      try folder.write("hf/config.json", configuration.replacing(old, with: new))
      #expect(refusal(path).contains(words), "\(new): \(refusal(path))")
    }
    // What transformers 4 wrote, and what its classes take where nothing is said.
    let older = configuration.replacing("\"rope_parameters\": {", with: "\"unused\": {")
      .replacing("\"rope_theta\": 10000", with: "\"rope_theta\": 2500")
    try folder.write("hf/config.json", older)
    #expect(try ModelFile.open(path).textModel().configuration.rotaryBase == 2500)
    try folder.write("hf/config.json", configuration.replacing("\"head_dim\": 6,", with: ""))
    #expect(refusal(path).contains("q_proj.weight"))  // Qwen3's heads are 128 wide then
  }

  @Test func refusesOtherFiles() throws {
    let path = try export(NumberedModel(change: Shape.all[0].change), .gguf)
    let bytes = try FileReader.bytes(of: path)
    func change(_ old: String, _ new: String) throws -> String {
      let (from, to) = (Array(old.utf8), Array(new.utf8))
      let start = try #require(place(of: from, in: bytes))
      try folder.write("gguf", Array(bytes[..<start]) + to + Array(bytes[(start + from.count)...]))
      return refusal(path)
    }
    #expect(try change("llama.rope.freq_base", "llama.rope.freq_bass").contains("llama.rope.freq_bass, which minigpt"))
    #expect(try change("layer_norm_rms_epsilon", "layer_norm_rms_epsilom").contains("layer_norm_rms_epsilom, which"))
    #expect(try change("blk.1.ffn_gate.weight", "blk.1.ffn_gate.weighs").contains("blk.1.ffn_gate.weight is missing"))
    #expect(try change("llama.attention.value_length", "llama.attention.key_lengthss").contains("key_lengthss, which"))
  }

  /// Each program that a shape opens in, or why none.
  @Test func readers() throws {
    func readers(_ shape: Int, _ change: (inout GPTConfiguration) -> Void = { _ in }) -> [String] {
      var c = NumberedModel(change: Shape.all[shape].change).model.configuration
      change(&c)
      let (names, lack) = ForeignFormats.readers(of: c)
      return names.isEmpty ? [lack ?? ""] : names
    }
    #expect(readers(0) == ["transformers (llama)", "llama.cpp (llama)"])
    #expect(readers(4) == ["transformers (qwen3)", "llama.cpp (qwen3)"])
    #expect(readers(4) { $0.block.hasBiases = true } == ["norms of queries and keys, which llama does not have"])
    #expect(readers(0) { $0.block.activation = .gelu } == ["activation gelu, which llama does not have"])
    #expect(readers(0) { $0.block.positions = .sinusoidal }[0].contains("which gpt2 does not have"))
    // The class of Llama asks that the heads divide the width; llama.cpp does not.
    #expect(readers(0) { ($0.width, $0.block.headWidth) = (22, 6) } == ["llama.cpp (llama)"])
  }
}
