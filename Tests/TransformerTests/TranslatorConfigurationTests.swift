import MiniGPTTensors
import Testing
import MiniGPTTransformer

@Suite struct TranslatorConfigurationTests {
  static let base = TranslatorConfiguration(
    vocabularySize: 37000, context: 512, encoderLayers: 6, decoderLayers: 6, heads: 8, width: 512)

  @Test func thePapersBase() throws {
    try Self.base.validate()
    #expect(Self.base.feedForwardWidth == 2048)
    #expect(Self.base.norm == .post && Self.base.activation == .relu && Self.base.positions == .sinusoidal)
    // Table 3 gives 65 million: 37000 · 512 of the embedding, 6 blocks of 3.15 and 6 of 4.2 million.
    #expect(Self.base.parameterCount == 63_082_496)
  }

  @Test func parameterCountIsThatOfTheLayout() {
    for configuration in EncoderDecoderTests.variants + [Self.base] {
      let layout = EncoderDecoder(configuration).layout
      #expect(layout.count == configuration.parameterCount, "\(configuration)")
      #expect(Set(layout.parameters.map(\.name)).count == layout.parameters.count)
    }
  }

  @Test func impossibleSizesAreNamed() {
    func refuse(_ change: (inout TranslatorConfiguration) -> Void, _ error: ModelShapeError) {
      var configuration = Self.base
      change(&configuration)
      #expect(throws: error) { try configuration.validate() }
    }
    refuse({ $0.vocabularySize = 3 }, .outOfRange(name: "vocabulary", value: 3, least: 4, most: 1 << 24))
    refuse({ $0.encoderLayers = 0 }, .outOfRange(name: "encoder-layers", value: 0, least: 1, most: 1024))
    refuse({ $0.decoderLayers = .max }, .outOfRange(name: "decoder-layers", value: .max, least: 1, most: 1024))
    refuse({ $0.context = -1 }, .outOfRange(name: "context", value: -1, least: 1, most: 1 << 20))
    refuse({ $0.heads = 7 }, .headsDoNotDivideWidth(heads: 7, width: 512))
    refuse({ ($0.width, $0.heads) = (27, 3) }, .inconsistent("sinusoidal positions need an even width, not 27"))
  }

  /// Glorot's matrices, embeddings of deviation 1/√C, zeros for `<pad>`.
  @Test func howItStarts() throws {
    let configuration = TranslatorConfiguration(
      vocabularySize: 1001, context: 8, encoderLayers: 1, decoderLayers: 1, heads: 2, width: 64)
    let run = try TranslatorRun(configuration, rows: 8)
    Initialization.run(run.model.layout, seed: 5, in: run.memory)
    let table = run.memory.read(run.model.encoder.embedding.table)
    #expect(table[(1000 * 64)...].allSatisfy { $0 == 0 })
    let square = table[..<(1000 * 64)].map { Double($0) * Double($0) }.reduce(0, +) / 64000
    #expect(abs(square - 1 / 64.0) < 0.02 / 64)
    for parameter in run.model.layout.parameters where parameter.name.hasSuffix("weight") {
      let values = run.memory.read(parameter.slot),
        bound = (6 / Float(parameter.shape[0] + parameter.shape[1])).squareRoot()
      #expect(values.allSatisfy { abs($0) <= bound } && values.contains { abs($0) > 0.99 * bound }, "\(parameter.name)")
    }
  }
}
