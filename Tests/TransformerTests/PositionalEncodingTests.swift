import MiniGPTTensors
import MiniGPTTestSupport
import Testing
import MiniGPTTransformer

@Suite struct PositionalEncodingTests {
  static func table(_ rows: Int, _ width: Int) -> PlainMatrix<Double> {
    PositionalEncoding.table(rows: rows, width: width)
  }

  /// Four channels: sine and cosine of p, and of p / 100.
  @Test func smallTable() {
    let expected = [
      [0, 1, 0, 1],
      [0.841_470_984_8, 0.540_302_305_9, 0.009_999_833_3, 0.999_950_000_4],
      [0.909_297_426_8, -0.416_146_836_5, 0.019_998_666_7, 0.999_800_006_7],
      [0.141_120_008_1, -0.989_992_496_6, 0.029_995_500_2, 0.999_550_033_7],
    ]
    let table = Self.table(4, 4)
    for p in 0..<4 {
      for channel in 0..<4 { #expect(abs(table[p, channel] - expected[p][channel]) < 1e-9, "[\(p), \(channel)]") }
    }
  }

  /// PE(p) · PE(p + k) = Σ cos(k / 10000^(2i/C)): how far apart two places are, whatever the places.
  @Test func dotProductsDependOnTheDistanceAlone() {
    let table = Self.table(200, 64)
    for k in [0, 1, 2, 10, 99] {
      let expected = (0..<32).map { Double.cos(Double(k) / Double.pow(10000, Double($0) / 32)) }.reduce(0, +)
      for p in [0, 1, 7, 50, 100] {
        let dot = zip(table.row(p), table.row(p + k)).map { $0 * $1 }.reduce(0, +)
        #expect(abs(dot - expected) < 1e-10, "PE(\(p)) · PE(\(p + k))")
      }
    }
  }

  /// From 2π to nearly 10000 · 2π, each longer than the last by the same factor.
  @Test func wavelengths() {
    let table = Self.table(2, 512)
    let lengths = (0..<256).map { i -> Double in
      let sine = table[1, 2 * i], cosine = table[1, 2 * i + 1]
      // The angle of one step: a small one is all but its sine, a large one is told by its tangent.
      return 2 * Double.pi / angle(sine, cosine)
    }
    #expect(abs(lengths[0] - 2 * Double.pi) < 1e-9)
    #expect(abs(lengths[255] - 60611) < 1)
    #expect(abs(lengths[255] / (2 * Double.pi) - Double.pow(10000, 510.0 / 512)) < 1e-4)
    let factor = Double.pow(10000, 2.0 / 512)
    for i in 1..<256 { #expect(abs(lengths[i] / lengths[i - 1] - factor) < 1e-6, "\(i)") }
  }

  /// The angle in (0, π) with this sine and cosine, by Newton's steps on the sine of the difference.
  private func angle(_ sine: Double, _ cosine: Double) -> Double {
    var x = cosine > 0 ? sine : Double.pi - sine
    for _ in 0..<30 { x += sine * Double.cos(x) - cosine * Double.sin(x) }
    return x
  }

  /// With the GPT's factor, the table is as large as its embeddings: its mean square is 0.02².
  @Test func asLargeAsTheEmbeddings() {
    let scale: Double = PositionalEncoding.gptScale()
    #expect(abs(scale - 0.028_284_271_2) < 1e-9)
    let table: PlainMatrix<Double> = PositionalEncoding.table(rows: 33, width: 48, scale: scale)
    let meanSquare = table.elements.map { $0 * $0 }.reduce(0, +) / Double(table.elements.count)
    #expect(abs(meanSquare - 0.02 * 0.02) < 1e-12)
    let plain = Self.table(33, 48)
    #expect(distance(table.elements, plain.elements.map { $0 * scale }) < 1e-14)
  }

  /// What the model adds to its embeddings.
  @Test func theModelAddsIt() throws {
    let configuration = GPTConfiguration(
      vocabularySize: 5, context: 9, layers: 1, heads: 2, width: 10, positions: .sinusoidal)
    let run = try GPTRun(configuration, batch: 2, length: 7), ids = someIds(14, 5)
    _ = run.hidden(ids)
    let expected = Embedding.reference(
      ids.map(Int.init), length: 7, fixed: configuration.sinusoids(7),
      PlainParameters<Double>(run.gpt.layout, in: run.memory))
    let stream = plain(run.activations.decoder.stream[0], in: run.memory)
    #expect(distance(stream.elements, expected.elements) < 1e-7)
    #expect(distance(stream.row(0), stream.row(3)) > 0)
  }
}
