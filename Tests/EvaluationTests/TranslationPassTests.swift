import MiniGPTEvaluation
import MiniGPTParallel
import MiniGPTTensors
import Testing
import MiniGPTTokenization
import MiniGPTTransformer

@Suite struct TranslationPassTests {
  private let configuration = TranslatorConfiguration(
    vocabularySize: 40, context: 12, encoderLayers: 2, decoderLayers: 2, heads: 2, width: 8, norm: .pre)

  private func pass() throws -> (TranslationPass, PlainParameters<Double>) {
    let model = EncoderDecoder(configuration), storage = ParameterStorage(count: model.layout.count)
    let memory = Memory(MemoryPlan(trains: true), storage, on: .plain())
    Initialization.run(model.layout, seed: 5, in: memory)
    let parameters = PlainParameters<Double>(model.layout, in: memory)
    return (
      TranslationPass(model, parameters: storage, on: Processor(WorkerPool(threads: 2), .portable)), parameters
    )
  }

  @Test func probabilitiesAreThoseOfTheReference() throws {
    let (pass, parameters) = try pass(), source: [Int32] = [5, 9, 7], target: [Int32] = [11, 3, 20, 6]
    pass.run(source: source, target: target)
    let hidden = EncoderDecoder.reference(
      source: (source + [0]).map(Int.init), target: [39, 11, 3, 20, 6], configuration, parameters
    ).hidden
    let logits = hidden * parameters.matrix("tokenEmbedding").rows(0..<39).transposed
    for place in 0...4 {
      let row = logits.row(place), sum = row.map { Double.exp($0) }.reduce(0, +)
      let found = pass.logProbabilities(after: place)
      #expect(found.count == 39)
      for id in 0..<39 { #expect(abs(Double(found[id]) - (row[id] - Double.log(sum))) < 1e-4) }
    }
    // A shorter pair afterwards sees nothing of the longer one.
    pass.run(source: [4], target: [])
    #expect(pass.alignment().rows == 1 && pass.alignment().columns == 2)
  }

  @Test func alignmentIsADistributionOverTheSource() throws {
    let (pass, _) = try pass()
    pass.run(source: [5, 9, 7], target: [11, 3])
    let weights = pass.alignment()
    #expect(weights.rows == 3 && weights.columns == 4)
    for t in 0..<3 {
      #expect(abs(weights.row(t).reduce(0, +) - 1) < 1e-5 && weights.row(t).allSatisfy { $0 > 0 && $0 < 1 })
    }
    pass.run(source: [5, 9, 7], target: [11, 3, 8])
    #expect(pass.alignment().row(0) == weights.row(0))
  }

  @Test func attentionIsThatOfTheReference() throws {
    let (pass, parameters) = try pass(), source: [Int32] = [5, 9, 7], target: [Int32] = [11, 3]
    pass.run(source: source, target: target)
    let found = pass.attention()
    for (maps, rows, columns) in [(found.encoder, 4, 4), (found.decoder, 3, 3), (found.cross, 3, 4)] {
      #expect(maps.count == 2)
      for map in maps.flatMap({ $0 }) {
        #expect(map.rows == rows && map.columns == columns)
        for t in 0..<rows { #expect(abs(map.row(t).reduce(0, +) - 1) < 1e-12) }
      }
    }
    #expect(found.decoder[1][0][0, 1] == 0 && found.encoder[1][0][0, 1] > 0)
    // The mean over all heads is the alignment.
    let alignment = pass.alignment()
    for t in 0..<3 {
      for s in 0..<4 {
        let mean = found.cross.flatMap { $0 }.map { $0[t, s] }.reduce(0, +) / 4
        #expect(abs(mean - Double(alignment[t, s])) < 1e-5)
      }
    }
    // The first block of the encoder, in double precision.
    let x = Embedding.reference(
      (source + [0]).map(Int.init), length: 4, scale: 8.0.squareRoot(),
      fixed: PositionalEncoding.table(rows: 4, width: 8), parameters)
    let normalized = LayerNorm.reference(x, "encoder.blocks.0.attentionNorm", epsilon: 1e-5, parameters)
    let projections = Linear.reference(normalized, "encoder.blocks.0.attention.queryKeyValue", parameters)
    let expected = ScaledDotProductAttention.reference(
      query: projections.columns(0..<8), key: projections.columns(8..<16), value: projections.columns(16..<24),
      AttentionShape(heads: 2, headWidth: 4), mask: .full
    ).weights
    for head in 0..<2 {
      for (a, b) in zip(found.encoder[0][head].elements, expected[head].elements) { #expect(abs(a - b) < 1e-5) }
    }
  }
}

@Suite struct WordAlignmentTests {
  @Test func tokensBecomeWords() throws {
    let bytes = ByteTokenizer()
    let source = try bytes.encode("a bc"), target = try bytes.encode(" xy  z ")
    // Rows: " ", x, y, " ", " ", z, " ", </s>; columns: a, " ", b, c, </s>.
    let weights = PlainMatrix<Float>(
      8, 5,
      [
        0, 0, 0, 0, 1, 0.5, 0.1, 0.1, 0.1, 0.2, 0.3, 0.1, 0.3, 0.3, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0.1, 0, 0.4, 0.3,
        0.2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1,
      ])
    let words = WordAlignment(source: source, target: target, weights: weights, bytes)
    #expect(words.source == [Array("a".utf8), Array("bc".utf8)])
    #expect(words.target == [Array("xy".utf8), Array("z".utf8)])
    #expect(zip(words.weights.flatMap { $0 }, [0.4, 0.4, 0.1, 0.7]).allSatisfy { abs($0 - $1) < 1e-6 })
    #expect(words.most(1) == 1)
    #expect(WordAlignment(source: [], target: target, weights: PlainMatrix(8, 1), bytes).most(0) == nil)
  }
}
