import Foundation
import MiniGPTTensors
import Testing

@Suite struct RowOperationsTests {
  static let rows = 3

  @Test(arguments: InstructionSet.available) func simpleOperationsAreExact(set: InstructionSet) throws {
    let field = try Field(set)
    for n in lengths {
      let x = numbers(Self.rows * n, n), y = numbers(Self.rows * n, n + 1)
      func both() -> (Slot, Slot) {
        field.reset()
        return (field.place(Self.rows, n, y), field.place(Self.rows, n, x))
      }
      var (to, from) = both()
      field.memory.copy(to, from)
      #expect(field.memory.read(to) == x && field.changedOnly(to), "copy of \(n)")
      (to, from) = both()
      field.memory.add(to, from)
      #expect(field.memory.read(to) == zip(y, x).map { $0 + $1 } && field.changedOnly(to), "add of \(n)")
      (to, from) = both()
      field.memory.scale(to, 1.7)
      #expect(field.memory.read(to) == y.map { $0 * 1.7 } && field.changedOnly(to), "scale of \(n)")
      (to, from) = both()
      field.memory.clear(to)
      #expect(field.memory.read(to) == y.map { _ in 0 } && field.changedOnly(to), "clear of \(n)")
    }
  }

  /// Relative error of a sum over 1 to 40 rows: below 2·10⁻⁶.
  @Test(arguments: InstructionSet.available) func columnSums(set: InstructionSet) throws {
    let field = try Field(set, floats: 1 << 16)
    for n in lengths {
      for rows in [0, 1, 2, 40] {
        field.reset()
        let y = field.place(1, n, seed: n), x = field.place(rows, n, seed: n + 1)
        var expected = field.memory.read(y).doubles
        for (i, value) in field.memory.read(x).enumerated() { expected[i % n] += Double(value) }
        field.memory.addColumnSums(y, x)
        #expect(worstError(field.memory.read(y), expected) < 2e-6, "\(rows) × \(n)")
        #expect(field.changedOnly(y), "\(rows) × \(n)")
      }
    }
  }

  /// Mean and 1/σ of a row, in double precision.
  static func statistics(_ x: ArraySlice<Float>, _ epsilon: Float) -> (mean: Double, rstd: Double) {
    let n = Double(x.count), mean = x.reduce(0) { $0 + Double($1) } / n
    let variance = x.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / n
    return (mean, 1 / (variance + Double(epsilon)).squareRoot())
  }

  /// Errors in units of max(1, 1/σ): below 3·10⁻⁶ up to length 1000, also where the mean is ten times σ.
  @Test(arguments: InstructionSet.available) func layerNormEqualsTheDefinition(set: InstructionSet) throws {
    let field = try Field(set), epsilon: Float = 1e-5
    for n in lengths where n > 0 {
      for shift: Float in [0, 5] {
        field.reset()
        let values = numbers(Self.rows * n, n).map { $0 + shift }
        let x = field.place(Self.rows, n, values), y = field.place(Self.rows, n, seed: 9)
        let gain = field.place(1, n, seed: n + 1), bias = field.place(1, n, seed: n + 2)
        let statistics = field.place(Self.rows, 2, seed: 8, contiguous: true)
        field.memory.layerNorm(y, x, gain: gain, bias: bias, .compute(epsilon: epsilon, into: statistics))
        #expect(field.changedOnly(y, statistics), "\(n)")
        let got = field.memory.read(y), kept = field.memory.read(statistics)
        let gains = field.memory.read(gain), biases = field.memory.read(bias)
        for r in 0..<Self.rows {
          let (mean, rstd) = Self.statistics(values[r * n..<(r + 1) * n], epsilon)
          let expected = (0..<n).map {
            (Double(values[r * n + $0]) - mean) * rstd * Double(gains[$0]) + Double(biases[$0])
          }
          let scale = max(1, rstd) * Double(1 + shift)
          #expect(worstError(Array(got[r * n..<(r + 1) * n]), expected) < 3e-6 * scale, "\(n) from \(shift)")
          #expect(abs(Double(kept[2 * r]) - mean) < 1e-6 * Double(1 + shift), "mean, \(n)")
          #expect(abs(Double(kept[2 * r + 1]) / rstd - 1) < 3e-6 * scale, "1/σ, \(n)")
        }
        let again = field.place(Self.rows, n, seed: 7)
        field.memory.layerNorm(again, x, gain: gain, bias: bias, .reuse(statistics))
        #expect(field.memory.read(again).bits == got.bits, "again, \(n)")
        field.memory.layerNorm(x, x, gain: gain, bias: bias, .compute(epsilon: epsilon, into: statistics))
        #expect(field.memory.read(x).bits == got.bits, "in place, \(n)")
      }
    }
  }

  /// The gradient of Σ dy · layerNorm(x) to x by the formula, in double precision.
  static func normGradient(_ x: [Float], _ dy: [Float], _ gain: [Float], _ epsilon: Float) -> [Double] {
    let n = Double(x.count), (mean, rstd) = statistics(x[...], epsilon)
    let hat = x.map { (Double($0) - mean) * rstd }, g = zip(dy, gain).map { Double($0) * Double($1) }
    let gMean = g.reduce(0, +) / n, hatMean = zip(g, hat).reduce(0) { $0 + $1.0 * $1.1 } / n
    return zip(g, hat).map { rstd * ($0 - gMean - $1 * hatMean) }
  }

  /// Errors in units of max(1, 1/σ): below 3·10⁻⁶ for dx, 3·10⁻⁶ for gain and bias.
  @Test(arguments: InstructionSet.available) func layerNormBackwardEqualsTheFormula(set: InstructionSet) throws {
    let field = try Field(set), epsilon: Float = 1e-5
    for n in lengths where n > 0 {
      field.reset()
      let x = field.place(Self.rows, n, seed: n), dy = field.place(Self.rows, n, seed: n + 1)
      let gain = field.place(1, n, seed: n + 2), dx = field.place(Self.rows, n, seed: n + 3)
      let dgain = field.place(1, n, seed: n + 4), dbias = field.place(1, n, seed: n + 5)
      let xs = field.memory.read(x), dys = field.memory.read(dy), gains = field.memory.read(gain)
      let exact = (0..<Self.rows).map { Self.statistics(xs[$0 * n..<($0 + 1) * n], epsilon) }
      let statistics = field.place(Self.rows, 2, exact.flatMap { [Float($0.mean), Float($0.rstd)] }, contiguous: true)
      var gainGradient = field.memory.read(dgain).doubles, biasGradient = field.memory.read(dbias).doubles
      let before = field.memory.read(dx)
      field.memory.layerNormBackward(dx, dy, x, gain: gain, statistics: statistics)
      field.memory.layerNormParameters(dgain, dbias, dy, x, statistics: statistics)
      #expect(field.changedOnly(dx, dgain, dbias), "\(n)")
      let got = field.memory.read(dx)
      var largest = 1.0
      for r in 0..<Self.rows {
        let row = r * n..<(r + 1) * n, (mean, rstd) = exact[r]
        let slope = Self.normGradient(Array(xs[row]), Array(dys[row]), gains, epsilon)
        largest = max(largest, rstd)
        #expect(
          worstError(Array(got[row]), zip(before[row], slope).map { Double($0) + $1 }) < 3e-6 * max(1, rstd), "\(n)")
        for j in 0..<n {
          gainGradient[j] += Double(dys[r * n + j]) * (Double(xs[r * n + j]) - mean) * rstd
          biasGradient[j] += Double(dys[r * n + j])
        }
      }
      #expect(worstError(field.memory.read(dgain), gainGradient) < 3e-6 * largest, "gain, \(n)")
      #expect(worstError(field.memory.read(dbias), biasGradient) < 1e-6, "bias, \(n)")
    }
  }

  /// The formula above against the slope of the definition, by central differences in double precision.
  @Test func layerNormFormulaIsTheDerivative() {
    let epsilon: Float = 1e-5
    for n in [1, 2, 7, 33] {
      let x = numbers(n, 1), dy = numbers(n, 2), gain = numbers(n, 3), step = 1e-6
      func loss(_ x: [Double]) -> Double {
        let mean = x.reduce(0, +) / Double(n)
        let variance = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(n)
        let rstd = 1 / (variance + Double(epsilon)).squareRoot()
        return (0..<n).reduce(0) { $0 + Double(dy[$1]) * Double(gain[$1]) * (x[$1] - mean) * rstd }
      }
      let slope = Self.normGradient(x, dy, gain, epsilon)
      for j in 0..<n {
        var (up, down) = (x.doubles, x.doubles)
        up[j] += step
        down[j] -= step
        #expect(abs((loss(up) - loss(down)) / (2 * step) - slope[j]) < 1e-6, "\(j) of \(n)")
      }
    }
  }

  @Test(arguments: InstructionSet.available) func aConstantRowStaysFinite(set: InstructionSet) throws {
    let field = try Field(set)
    let x = field.place(1, 40, [Float](repeating: 0.5, count: 40)), y = field.place(1, 40, seed: 1)
    let gain = field.place(1, 40, seed: 2), bias = field.place(1, 40, seed: 3)
    let statistics = field.place(1, 2, seed: 4, contiguous: true)
    field.memory.layerNorm(y, x, gain: gain, bias: bias, .compute(epsilon: 1e-5, into: statistics))
    #expect(field.memory.read(y) == field.memory.read(bias))
  }

  /// Bits of a row depend on neither the threads nor the rows beside it.
  @Test(arguments: InstructionSet.available) func bitsDependOnNeitherThreadsNorNeighbours(set: InstructionSet) throws {
    let (m, n) = (75, 150)
    func run(threads: Int, rows: Range<Int>) throws -> [[UInt32]] {
      let field = try Field(set, threads: threads, floats: 1 << 17)
      let x = field.place(m, n, seed: 1).rows(rows), y = field.place(m, n, seed: 2).rows(rows)
      let dx = field.place(m, n, seed: 3).rows(rows), gelu = field.place(m, n, seed: 4).rows(rows)
      let gain = field.place(1, n, seed: 5), bias = field.place(1, n, seed: 6)
      let statistics = field.place(m, 2, seed: 7, contiguous: true).rows(rows)
      field.memory.add(x, dx)
      field.memory.scale(x, 0.3)
      field.memory.layerNorm(y, x, gain: gain, bias: bias, .compute(epsilon: 1e-5, into: statistics))
      field.memory.activate(gelu, y, .gelu)
      field.memory.layerNormBackward(dx, y, x, gain: gain, statistics: statistics)
      var results = [y, dx, gelu, statistics]
      if rows.count == m {
        field.memory.layerNormParameters(gain, bias, dx, x, statistics: statistics)
        let sums = field.place(1, n, seed: 8)
        field.memory.addColumnSums(sums, x)
        results += [gain, bias, sums]
      }
      return results.map { field.memory.read($0).bits }
    }
    let whole = try run(threads: 1, rows: 0..<m)
    for threads in [2, 3] { #expect(try run(threads: threads, rows: 0..<m) == whole, "\(threads) threads") }
    for rows in [0..<1, 31..<33, 17..<75] {
      let part = try run(threads: 2, rows: rows)
      for (few, all) in zip(part, whole) {
        let width = all.count / m
        #expect(few == Array(all[rows.lowerBound * width..<rows.upperBound * width]), "rows \(rows)")
      }
    }
  }
}
