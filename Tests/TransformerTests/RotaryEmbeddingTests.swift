import MiniGPTTensors
import MiniGPTTestSupport
import Testing
import MiniGPTTransformer

@Suite struct RotaryEmbeddingTests {
  private func block(_ width: Int, base: Double = 10_000) -> BlockConfiguration {
    var block = BlockConfiguration(heads: 1, width: width, positions: .rotary)
    block.rotaryBase = base
    return block
  }

  /// q[t] · k[s] is a function of t - s: shifting both changes nothing (Su et al. 2021, eq. 16).
  @Test(arguments: [(6, 10_000.0), (10, 100.0), (64, 500_000.0)])
  func dotProductsDependOnTheDistanceAlone(width: Int, base: Double) {
    let block = block(width, base: base), length = 40
    let q = numbers(width, 1).map(Double.init), k = numbers(width, 2).map(Double.init)
    func turned(_ x: [Double]) -> PlainMatrix<Double> {
      RotaryEmbedding.reference(PlainMatrix(length, width) { x[$1] }, length: length, block)
    }
    let queries = turned(q), keys = turned(k)
    func dot(_ t: Int, _ s: Int) -> Double { (0..<width).reduce(0) { $0 + queries[t, $1] * keys[s, $1] } }
    for distance in [0, 1, 7] {
      let first = dot(distance, 0)
      for s in 0..<length - distance { #expect(abs(dot(s + distance, s) - first) < 1e-12 * Double(width)) }
    }
    #expect(abs(dot(7, 0) - dot(0, 7)) > 1e-3)
  }

  /// Place 0 turns nothing, no place changes a length, and every text begins at place 0.
  @Test func turnsKeepLengths() {
    let block = block(8), x = PlainMatrix(6, 8, numbers(48, 3).map(Double.init))
    let y = RotaryEmbedding.reference(x, length: 3, block)
    #expect(y.row(0) == x.row(0) && y.row(3) == x.row(3))
    for row in 0..<6 {
      func square(_ matrix: PlainMatrix<Double>) -> Double { matrix.row(row).reduce(0) { $0 + $1 * $1 } }
      #expect(abs(square(y) - square(x)) < 1e-12)
    }
    #expect(y.row(1) != x.row(1))
  }

  /// The first pair turns by one radian a place, the last by base^(-(D - 2) / D).
  @Test func wavelengths() {
    let table: PlainMatrix<Double> = RotaryEmbedding.table(rows: 3, block(8, base: 256))
    for (pair, angle) in [1.0, 0.25, 0.0625, 0.015625].enumerated() {
      #expect(abs(table[2, pair] - Double.cos(2 * angle)) < 1e-15)
      #expect(abs(table[2, 4 + pair] - Double.sin(2 * angle)) < 1e-15)
    }
  }

  /// Linear: all angles, by the factor. Llama 3.1: those of pairs that turn less than once in 64 places by the factor, those
  /// that turn more than four times not at all; at 2.5 turns, half way, by the mean of both.
  @Test func scaling() {
    var linear = RotaryScaling(), llama = RotaryScaling()
    (linear.kind, linear.factor) = (.linear, 4)
    (llama.kind, llama.factor, llama.original) = (.llama3, 8, 64)
    for turns in [0.25, 0.99, 2.5, 4.01, 10] {
      let frequency = turns * 2 * Double.pi / 64
      #expect(linear.scaled(frequency) == frequency / 4)
      let expected = turns < 1 ? frequency / 8 : turns > 4 ? frequency : frequency * (0.5 + 0.5 / 8)
      #expect(abs(llama.scaled(frequency) - expected) < 1e-12)
    }
    var block = block(8)
    block.rotaryScaling = linear
    let slow: PlainMatrix<Double> = RotaryEmbedding.table(rows: 9, block)
    let fast: PlainMatrix<Double> = RotaryEmbedding.table(rows: 9, self.block(8))
    for i in 0..<8 { #expect(abs(slow[8, i] - fast[2, i]) < 1e-15) }
  }

  @Test func whatAShapeLacks() {
    var c = GPTConfiguration(vocabularySize: 5, context: 4, layers: 1, block: block(6))
    #expect(throws: Never.self) { try c.validate() }
    c.block.headWidth = 5
    #expect(throws: ModelShapeError.inconsistent("rotary positions need heads of an even width, not 5")) {
      try c.validate()
    }
    (c.block.headWidth, c.block.rotaryBase) = (nil, .nan)
    #expect(throws: ModelShapeError.self) { try c.validate() }
    (c.block.rotaryBase, c.block.keyValueHeads) = (10_000, 0)
    #expect(throws: ModelShapeError.self) { try c.validate() }
    (c.block.keyValueHeads, c.block.normEpsilon) = (nil, 0)
    #expect(throws: ModelShapeError.self) { try c.validate() }
  }
}
