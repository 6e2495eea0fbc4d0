import MiniGPTTensors
import Testing

/// RMS norms against their definition in double precision; `LayerTests` of the room Transformer have their slopes.
@Suite struct NormTests {
  static let rows = 5

  /// Errors in units of max(1, 1/rms): below 3·10⁻⁶.
  @Test(arguments: InstructionSet.available) func rmsNormEqualsTheDefinition(set: InstructionSet) throws {
    let field = try Field(set, floats: 1 << 16), epsilon: Float = 1e-5
    for n in lengths where n > 0 {
      field.reset()
      let x = field.place(Self.rows, n, seed: n), y = field.place(Self.rows, n, seed: 9)
      let gain = field.place(1, n, seed: n + 1), statistics = field.place(Self.rows, 1, seed: 8, contiguous: true)
      field.memory.rmsNorm(y, x, gain: gain, .compute(epsilon: epsilon, into: statistics))
      #expect(field.changedOnly(y, statistics), "\(n)")
      let values = field.memory.read(x), gains = field.memory.read(gain), kept = field.memory.read(statistics)
      let got = field.memory.read(y)
      for r in 0..<Self.rows {
        let row = values[r * n..<(r + 1) * n].map(Double.init)
        let rstd = Self.rstd(row, epsilon), scale = max(1, rstd)
        let expected = row.indices.map { row[$0] * rstd * Double(gains[$0]) }
        #expect(worstError(Array(got[r * n..<(r + 1) * n]), expected) < 3e-6 * scale, "\(n)")
        #expect(abs(Double(kept[r]) / rstd - 1) < 3e-6, "1/rms, \(n)")
      }
      let again = field.place(Self.rows, n, seed: 7)
      field.memory.rmsNorm(again, x, gain: gain, .reuse(statistics))
      #expect(field.memory.read(again).bits == got.bits, "again, \(n)")
      field.memory.rmsNorm(x, x, gain: gain, .compute(epsilon: epsilon, into: statistics))
      #expect(field.memory.read(x).bits == got.bits, "in place, \(n)")
    }
  }

  static func rstd(_ row: [Double], _ epsilon: Float) -> Double {
    1 / (row.reduce(0) { $0 + $1 * $1 } / Double(row.count) + Double(epsilon)).squareRoot()
  }

  /// The gradient is r (g - x̂ · mean(g x̂)), and is added.
  @Test(arguments: InstructionSet.available) func rmsNormBackwardEqualsTheFormula(set: InstructionSet) throws {
    let field = try Field(set, floats: 1 << 16), epsilon: Float = 1e-5
    for n in lengths where n > 0 {
      field.reset()
      let x = field.place(Self.rows, n, seed: n), dy = field.place(Self.rows, n, seed: n + 1)
      let gain = field.place(1, n, seed: n + 2), dx = field.place(Self.rows, n, seed: n + 3)
      let dgain = field.place(1, n, seed: n + 4)
      let xs = field.memory.read(x).doubles, dys = field.memory.read(dy).doubles
      let gains = field.memory.read(gain).doubles, before = field.memory.read(dx).doubles
      let exact = (0..<Self.rows).map { Self.rstd(Array(xs[$0 * n..<($0 + 1) * n]), epsilon) }
      let statistics = field.place(Self.rows, 1, exact.map { Float($0) }, contiguous: true)
      var gainGradient = field.memory.read(dgain).doubles
      field.memory.rmsNormBackward(dx, dy, x, gain: gain, statistics: statistics)
      field.memory.rmsNormParameters(dgain, dy, x, statistics: statistics)
      #expect(field.changedOnly(dx, dgain), "\(n)")
      let got = field.memory.read(dx), largest = max(1, exact.max() ?? 1)
      for r in 0..<Self.rows {
        let hat = (0..<n).map { xs[r * n + $0] * exact[r] }, g = (0..<n).map { gains[$0] * dys[r * n + $0] }
        let mean = zip(g, hat).reduce(0) { $0 + $1.0 * $1.1 } / Double(n)
        let expected = (0..<n).map { before[r * n + $0] + exact[r] * (g[$0] - hat[$0] * mean) }
        #expect(worstError(Array(got[r * n..<(r + 1) * n]), expected) < 3e-6 * max(1, exact[r]), "\(n)")
        for j in 0..<n { gainGradient[j] += dys[r * n + j] * hat[j] }
      }
      #expect(worstError(field.memory.read(dgain), gainGradient) < 3e-6 * largest, "gain, \(n)")
    }
  }
}
