import Testing
import MiniGPTTransformer

@Suite struct ParameterLayoutTests {
  static func layout(_ positions: Positions = .learned, _ norm: NormPlacement = .pre) -> ParameterLayout {
    GPT(
      GPTConfiguration(
        vocabularySize: 11, context: 5, layers: 2, heads: 2, width: 6, feedForwardWidth: 13, positions: positions,
        norm: norm)
    ).layout
  }

  /// The checkpoint's order and names.
  @Test func orderAndNames() {
    let block = [
      "attentionNorm.gain", "attentionNorm.bias", "attention.queryKeyValue.weight", "attention.queryKeyValue.bias",
      "attention.output.weight", "attention.output.bias", "feedForwardNorm.gain", "feedForwardNorm.bias",
      "feedForward.up.weight", "feedForward.up.bias", "feedForward.down.weight", "feedForward.down.bias",
    ]
    let blocks = ["blocks.0.", "blocks.1."].flatMap { prefix in block.map { prefix + $0 } }
    let end = ["finalNorm.gain", "finalNorm.bias"]
    func names(_ positions: Positions, _ norm: NormPlacement) -> [String] {
      Self.layout(positions, norm).parameters.map(\.name)
    }
    #expect(names(.learned, .pre) == ["tokenEmbedding", "positionEmbedding"] + blocks + end)
    #expect(names(.sinusoidal, .pre) == ["tokenEmbedding"] + blocks + end)
    #expect(names(.none, .pre) == ["tokenEmbedding"] + blocks + end)
    #expect(names(.learned, .post) == ["tokenEmbedding", "positionEmbedding"] + blocks)
  }

  @Test func shapes() {
    let layout = Self.layout()
    let shapes = Dictionary(uniqueKeysWithValues: layout.parameters.map { ($0.name, $0.shape) })
    #expect(shapes["tokenEmbedding"] == [11, 6])
    #expect(shapes["positionEmbedding"] == [5, 6])
    #expect(shapes["blocks.1.attentionNorm.gain"] == [6])
    #expect(shapes["blocks.1.attention.queryKeyValue.weight"] == [6, 18])
    #expect(shapes["blocks.1.attention.queryKeyValue.bias"] == [18])
    #expect(shapes["blocks.1.attention.output.weight"] == [6, 6])
    #expect(shapes["blocks.1.feedForward.up.weight"] == [6, 13])
    #expect(shapes["blocks.1.feedForward.up.bias"] == [13])
    #expect(shapes["blocks.1.feedForward.down.weight"] == [13, 6])
    #expect(shapes["finalNorm.bias"] == [6])
  }

  @Test func noGapsNoOverlaps() {
    for configuration in CausalityTests.variants {
      let layout = GPT(configuration).layout
      var next = 0
      for parameter in layout.parameters {
        #expect(parameter.slot.region == .parameters)
        #expect(parameter.slot.offset == next, "\(parameter.name)")
        #expect(parameter.slot.isContiguous && parameter.slot.count == parameter.shape.reduce(1, *))
        next += parameter.slot.count
      }
      #expect(next == layout.count)
      #expect(Set(layout.parameters.map(\.name)).count == layout.parameters.count)
    }
  }

  /// Matrices decay, the embeddings among them; gains and biases do not.
  @Test func whatDecays() {
    for parameter in Self.layout().parameters {
      let isMatrix = parameter.name.hasSuffix("weight") || parameter.name.hasSuffix("Embedding")
      #expect(parameter.decays == isMatrix, "\(parameter.name)")
    }
  }

  @Test func foundByName() {
    let layout = Self.layout()
    #expect(layout["blocks.1.feedForward.down.bias"]?.shape == [6])
    #expect(layout["blocks.2.feedForward.down.bias"] == nil)
  }
}
