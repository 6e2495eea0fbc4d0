import MiniGPTTensors
import Testing
import MiniGPTTransformer

/// Items 1 to 30: from the alignment of sequences to the Transformer, step by step. `Docs/Lecture.md` has the list.
@Suite struct Lecture1Tests {
  // MARK: - Attention between sequences

  /// 1: e = sᵀhᵢ, α = softmax e, a = Σ αᵢ hᵢ, [a; s], with numbers that one can follow by hand.
  @Test func attentionOfTheDecoderState() {
    let s = [1.0, 2], h = [[1.0, 0], [0, 1], [1, 1]]
    let e = h.map { dot(s, $0) }
    #expect(e == [1, 2, 3])
    let alpha = softmax(e)
    #expect(difference(alpha, [0.0900, 0.2447, 0.6652]) < 5e-5)
    let a = (0..<2).map { i in h.indices.reduce(0) { $0 + alpha[$1] * h[$1][i] } }
    #expect(difference(a + s, [0.7553, 0.9100, 1, 2]) < 1e-4)
    // The same by the program's attention, whose scores are divided by √D.
    let scaled = attend(matrix([s]).map { $0 * 2.0.squareRoot() }, matrix(h), matrix(h))
    #expect(difference(scaled.output.elements, a) < 1e-12)
  }

  /// 2 and 85: dot product (Luong), sᵀ W h (Luong, multiplicative), vᵀ tanh(W₁ h + W₂ s) (Bahdanau, additive).
  @Test func threeScores() {
    let s = [1.0, 2], h = [3.0, -1], one = matrix([[1, 0], [0, 1]]), w = matrix([[1, 2], [0, 3]])
    func multiplicative(_ w: PlainMatrix<Double>) -> Double { (matrix([s]) * w * matrix([h]).transposed)[0, 0] }
    #expect(dot(s, h) == 1)
    // With the identity it is the dot product; W = [1 2; 0 3]: s W = (1, 8), and 3 - 8 = -5.
    #expect(multiplicative(one) == 1)
    #expect(multiplicative(w) == -5)
    let v = [0.5, 1.5]
    func additive(_ h: [Double], _ s: [Double]) -> Double {
      dot(v, zip((matrix([h]) * w).elements, (matrix([s]) * one).elements).map { Double.tanh($0 + $1) })
    }
    // h W = (3, 3), s = (1, 2): 0.5 tanh 4 + 1.5 tanh 5.
    #expect(abs(additive(h, s) - (0.5 * 0.999_329_3 + 1.5 * 0.999_909_2)) < 1e-6)
    // However large the states, it lies within ±Σ|v|; the products do not.
    #expect(abs(additive([300, -100], [100, 200])) <= 2)
    #expect(abs(dot([300, -100], [100, 200])) == 10_000)
  }

  // MARK: - The encoder

  /// 11: each position has its own way through norm and feed-forward: other rows change no bit.
  @Test(arguments: InstructionSet.available) func positionsHaveTheirOwnPath(set: InstructionSet) throws {
    let layers = try RowLayers(rows: 9, set: set)
    let x = numbers(9 * RowLayers.width, 1).map(Float.init)
    let before = layers.run(x)
    var changed = x
    for place in x.indices where place / RowLayers.width != 4 { changed[place] = -3 * x[place] + 1 }
    let after = layers.run(changed), row = 4 * RowLayers.width..<5 * RowLayers.width
    #expect(after[row].map(\.bitPattern) == before[row].map(\.bitPattern))
    #expect(after[..<row.lowerBound] != before[..<row.lowerBound])
  }

  /// 14: the six steps. q₁·k₁ = 112 and q₁·k₂ = 96, divided by √64 = 8: 14 and 12; softmax: 0.88 and 0.12.
  @Test func sixSteps() {
    let q = [Double](repeating: 2, count: 64)
    let k = [[Double](repeating: 0.875, count: 64), [Double](repeating: 0.75, count: 64)]
    let v = [[1.0, 0], [0, 1]]
    let scores = k.map { dot(q, $0) }
    #expect(scores == [112, 96])
    let scaled = scores.map { $0 / 64.0.squareRoot() }
    #expect(scaled == [14, 12])
    let weights = softmax(scaled)
    #expect(difference(weights, [0.8808, 0.1192]) < 5e-5)
    let z = (0..<2).map { i in weights[0] * v[0][i] + weights[1] * v[1][i] }
    #expect(z == weights)
    let attention = attend(
      matrix([q]), matrix(k), PlainMatrix(2, 64) { row, column in row == 0 && column == 0 ? 1 : 0 })
    #expect(difference(attention.weights[0].elements, weights) < 1e-14)
    #expect(abs(attention.output[0, 0] - weights[0]) < 1e-14)
  }

  /// 15: Z = softmax(Q Kᵀ / √d_k) V for all positions at once is what each gets alone.
  @Test func matrixFormIsTheVectorForm() {
    let x = numbers(5, 6, 1), q = x * numbers(6, 4, 2), k = x * numbers(6, 4, 3), v = x * numbers(6, 4, 4)
    let z = attend(q, k, v).output
    for t in 0..<5 {
      let weights = softmax((0..<5).map { dot(q.row(t), k.row($0)) / 2 })
      let expected = (0..<4).map { i in (0..<5).reduce(0) { $0 + weights[$1] * v[$1, i] } }
      #expect(difference(z.row(t), expected) < 1e-14)
    }
  }

  /// 16: heads side by side times W^O are the sum of each head times its rows of W^O; one head is plain attention.
  @Test func headsAreConcatenatedAndMixed() {
    let q = numbers(5, 8, 1), k = numbers(5, 8, 2), v = numbers(5, 8, 3), wO = numbers(8, 8, 4)
    let together = attend(q, k, v, heads: 4).output * wO
    var sum = PlainMatrix<Double>(5, 8)
    for head in 0..<4 {
      let channels = head * 2..<head * 2 + 2
      let alone = attend(q.columns(channels), k.columns(channels), v.columns(channels)).output  // [T, d_v]
      #expect(alone.columns == 2)
      sum = sum + alone * wO.rows(channels)
    }
    #expect(difference(together, sum) < 1e-14)
  }

  /// 20 and 86: attention is a weighted average: the weights of a row sum to 1, and the result lies among the values.
  @Test func attentionIsAWeightedAverage() {
    let q = numbers(7, 6, 1).map { 5 * $0 }, v = numbers(9, 6, 3)
    let (output, weights) = attend(q, numbers(9, 6, 2).map { 5 * $0 }, v, heads: 3)
    for matrix in weights {
      for t in 0..<7 {
        #expect(abs(matrix.row(t).reduce(0, +) - 1) < 1e-14)
        #expect(matrix.row(t).allSatisfy { $0 >= 0 })
      }
    }
    for channel in 0..<6 {
      let seen = v.columns(channel..<channel + 1).elements, made = output.columns(channel..<channel + 1).elements
      #expect((made.min() ?? 0) >= (seen.min() ?? 0) && (made.max() ?? 0) <= (seen.max() ?? 0))
    }
  }

  // MARK: - Positions

  /// 25: distances mean something: PE(p)·PE(p + k) is the same everywhere.
  @Test(arguments: [1, 3, 50]) func distancesMeanTheSameEverywhere(k: Int) {
    let table: PlainMatrix<Double> = PositionalEncoding.table(rows: 200, width: 64)
    let here = dot(table.row(0), table.row(k))
    for p in [1, 7, 90, 149] { #expect(abs(dot(table.row(p), table.row(p + k)) - here) < 1e-10) }
    // And it falls off: the nearest is the most alike.
    #expect(here < dot(table.row(0), table.row(0)))
  }

  /// 26: PE(pos, 2i) = sin(pos / 10000^(2i/d)), PE(pos, 2i+1) = cos(the same): d = 4, worked out by hand.
  @Test func sinesAndCosinesInterleaved() {
    let table: PlainMatrix<Double> = PositionalEncoding.table(rows: 3, width: 4)
    #expect(table.row(0) == [0, 1, 0, 1])
    #expect(difference(table.row(1), [0.841_471, 0.540_302, 0.010_000, 0.999_950]) < 1e-6)
    #expect(difference(table.row(2), [0.909_297, -0.416_147, 0.019_999, 0.999_800]) < 1e-6)
  }

  /// 27: wavelengths from 2π. The slide's 10,000 · 2π = 62,832 is the limit; at d = 512 the last is 60,611.
  @Test func wavelengths() {
    func wavelength(_ i: Int) -> Double { 2 * Double.pi * Double.pow(10_000, Double(2 * i) / 512) }
    #expect(abs(wavelength(0) - 6.2832) < 1e-4)
    #expect(abs(wavelength(255) - 60_611) < 1)
    #expect(abs(2 * Double.pi * 10_000 - 62_832) < 1)
    // In the table: a step turns the first pair by a radian, the last by 2π / 60,611.
    let table: PlainMatrix<Double> = PositionalEncoding.table(rows: 2, width: 512)
    #expect(abs(table[1, 0] - Double.sin(1)) < 1e-12)
    #expect(abs(table[1, 510] - Double.sin(2 * Double.pi / 60_611)) < 1e-9)
  }

  /// 28: a layer norm sees its own row; a batch norm would see the other rows of the batch.
  @Test(arguments: InstructionSet.available) func layerNormSeesItsRowOnly(set: InstructionSet) throws {
    let layers = try RowLayers(rows: 3, set: set), width = RowLayers.width
    let x = numbers(3 * width, 1).map(Float.init)
    let before = layers.norm(x), other = layers.norm(Array(x[..<width]) + x[width...].map { 9 * $0 - 2 })
    #expect(before[..<width].map(\.bitPattern) == other[..<width].map(\.bitPattern))
    func batchNorm(_ x: [Double]) -> [Double] {
      (0..<3 * width).map { place in
        let column = (0..<3).map { x[$0 * width + place % width] }, mean = column.reduce(0, +) / 3
        let variance = column.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / 3
        return (x[place] - mean) / (variance + 1e-5).squareRoot()
      }
    }
    let rows = x.map(Double.init), changed = rows[..<width] + rows[width...].enumerated().map { Double($0) * $1 }
    #expect(difference(Array(batchNorm(rows)[..<width]), Array(batchNorm(Array(changed))[..<width])) > 0.1)
  }

  // MARK: - The decoder

  /// 29: what the decoder says at a place does not depend on the words behind it, but does on the source.
  @Test func decoderSeesNoLaterWord() {
    let translator = SmallTranslator()
    let before = translator.decode([3, 4, 5], [12, 2, 3, 4, 5])
    let after = translator.decode([3, 4, 5], [12, 2, 3, 9, 1])
    #expect(before.rows(0..<3) == after.rows(0..<3))
    #expect(difference(before.rows(3..<5), after.rows(3..<5)) > 1e-3)
    #expect(difference(before, translator.decode([3, 4, 6], [12, 2, 3, 4, 5])) > 1e-3)
  }

  /// 30: logits, log-probabilities, the largest: the slide's vocabulary has "am" as number 5.
  @Test func finalLinearAndSoftmax() throws {
    let vocabulary = ["a", "thanks", "i", "student", "<eos>", "am"]
    let hidden = matrix([[0.2, -0.1, 0.9]]), table = numbers(6, 3, 1)
    var parameters = PlainParameters<Double>(["tokenEmbedding": table])
    parameters.matrices["tokenEmbedding"]?.elements.replaceSubrange(15..<18, with: [1, 0, 3])
    let scores = OutputProjection.reference(hidden, parameters).row(0)
    #expect(scores.count == vocabulary.count)
    let logProbabilities = softmax(scores).map { Double.log($0) }
    #expect(abs(logProbabilities.map { Double.exp($0) }.reduce(0, +) - 1) < 1e-14)
    let best = try #require(logProbabilities.indices.max { logProbabilities[$0] < logProbabilities[$1] })
    #expect(best == 5 && vocabulary[best] == "am")
    // The softmax changes no order.
    #expect(scores.indices.max { scores[$0] < scores[$1] } == best)
  }
}
