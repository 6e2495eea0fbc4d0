import Generation
import Parallel
import Tensors
import Testing
import Tokenization
import Transformer

@Suite struct TranslationPassTests {
  private let configuration = TranslatorConfiguration(
    vocabularySize: 40, context: 12, encoderLayers: 2, decoderLayers: 2, heads: 2, width: 8, norm: .pre)

  private func pass() throws -> (TranslationPass, PlainParameters<Double>) {
    let model = EncoderDecoder(configuration), storage = ParameterStorage(count: model.layout.count)
    let memory = Memory(
      parameters: storage, trains: true, activations: 0, indices: 0, scratch: 0, pool: WorkerPool(threads: 1),
      kernels: .portable)
    Initialization.run(model.layout, seed: 5, in: memory)
    let parameters = PlainParameters<Double>(model.layout, in: memory)
    return (
      TranslationPass(model, parameters: storage, pool: WorkerPool(threads: 2), kernels: .portable), parameters
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
