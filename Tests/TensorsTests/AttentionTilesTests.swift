import Foundation
import MiniGPTTensors
import Testing

@Suite struct AttentionTilesTests {
  /// softmax(scale · x) of a row and its log Σ exp, in double precision.
  static func softmax(_ x: [Float], _ scale: Float) -> (weights: [Double], logSum: Double) {
    let z = x.map { Double($0) * Double(scale) }, most = z.max() ?? 0
    let sum = z.reduce(0) { $0 + exp($1 - most) }
    return (z.map { exp($0 - most) / sum }, most + log(sum))
  }

  /// The sum's relative error is below 10⁻⁶, a weight's below 2·10⁻⁶ where scores reach ±30.
  @Test(arguments: InstructionSet.available) func oneTileOfAllLengths(set: InstructionSet) throws {
    let field = try Field(set), rows = 3, scale: Float = 0.7
    for n in lengths where n > 0 {
      field.reset()
      let values = numbers(rows * n, n).map { $0 * 30 }
      let scores = field.place(rows, n, values), again = field.place(rows, n, values)
      let maxima = field.place(rows, 1, [Float](repeating: -.infinity, count: rows), contiguous: true)
      let sums = field.place(rows, 1, [0, 0, 0], contiguous: true)
      let output = field.place(rows, 5, [Float](repeating: 0, count: 5 * rows))
      let logSums = field.place(rows, 1, seed: 1, contiguous: true),
        shrink = field.place(rows, 1, seed: 2, contiguous: true)
      field.memory.runningSoftmax(
        scores, scale: scale, visible: .all, maxima: maxima, sums: sums, shrink: shrink, output: output)
      #expect(field.changedOnly(scores, maxima, sums, shrink, output), "\(n)")
      let parts = field.memory.read(scores), totals = field.memory.read(sums), most = field.memory.read(maxima)
      field.memory.fill(output, 1)
      field.memory.finishSoftmax(output, maxima: maxima, sums: sums, logSums: logSums)
      field.memory.softmaxAgain(again, scale: scale, visible: .all, logSums: logSums)
      #expect(field.changedOnly(scores, again, maxima, sums, shrink, output, logSums), "\(n)")
      let logs = field.memory.read(logSums), weights = field.memory.read(again)
      for r in 0..<rows {
        let row = Array(values[r * n..<(r + 1) * n]), (expected, logSum) = Self.softmax(row, scale)
        #expect(most[r] == row.max().map { $0 * scale }, "the largest of \(n)")
        let quotients = (0..<n).map { parts[r * n + $0] / totals[r] }
        #expect(worstError(quotients, expected) < 1e-6, "\(n)")
        #expect(abs(Double(logs[r]) - logSum) < 4e-6, "log of the sum of \(n)")
        // The weights come from a rounded log-sum of up to 25: 10⁻⁶ is half of its last bit.
        #expect(worstError(Array(weights[r * n..<(r + 1) * n]), expected) < 4e-6, "again, \(n)")
        #expect(abs(field.memory.value(output, r, 4) * totals[r] - 1) < 3e-7, "\(n)")
      }
    }
  }

  /// Attention as `ScaledDotProductAttention` will put it together: q, k, v `[T, D]`, tiles of `tile` keys.
  static func attention(
    _ field: Field, _ q: [Float], _ k: [Float], _ v: [Float], length: Int, depth: Int, tile: Int, causal: Bool
  ) -> (output: [Float], logSums: [Float]) {
    field.reset()
    let memory = field.memory
    let queries = field.place(length, depth, q), keys = field.place(length, depth, k)
    let values = field.place(length, depth, v)
    let turnedCount = Memory.packedCount(depth: depth, columns: length)
    let turnedPlace = field.place(1, turnedCount, numbers(turnedCount, 1), contiguous: true)
    let packedCount = Memory.packedCount(depth: length, columns: depth)
    let packedPlace = field.place(1, packedCount, numbers(packedCount, 1), contiguous: true)
    let roomCount = Memory.packingRoom(depth: max(length, depth, tile))
    let room = field.place(1, roomCount, numbers(roomCount, 1), contiguous: true)
    let scores = field.place(length, tile, seed: 2)
    let maxima = field.place(length, 1, [Float](repeating: -.infinity, count: length), contiguous: true)
    let sums = field.place(length, 1, [Float](repeating: 0, count: length), contiguous: true)
    let output = field.place(length, depth, [Float](repeating: 0, count: length * depth))
    let logSums = field.place(length, 1, seed: 3, contiguous: true)
    let shrink = field.place(length, 1, seed: 4, contiguous: true)
    let turned = memory.pack(keys.transposed, into: turnedPlace, room: room)
    let packed = memory.pack(values.plain, into: packedPlace, room: room)
    for first in stride(from: 0, to: length, by: tile) {
      let part = scores.columns(0..<min(tile, length - first))
      let seen = first..<first + part.columns
      memory.tileProduct(
        part, queries.plain, turned, depth: 0..<depth, columns: seen, accumulate: false, room: room)
      memory.runningSoftmax(
        part, scale: 0.5, visible: causal ? .causal(firstQuery: 0, firstKey: first) : .all, maxima: maxima, sums: sums,
        shrink: shrink, output: output)
      memory.tileProduct(output, part.plain, packed, depth: seen, columns: 0..<depth, accumulate: true, room: room)
    }
    memory.finishSoftmax(output, maxima: maxima, sums: sums, logSums: logSums)
    #expect(field.changedOnly(turnedPlace, packedPlace, room, scores, maxima, sums, shrink, output, logSums))
    return (memory.read(output), memory.read(logSums))
  }

  /// Output and log-sums of attention over tiles: below 2·10⁻⁶ from the definition.
  @Test(arguments: InstructionSet.available) func tilesMakeTheWholeSoftmax(set: InstructionSet) throws {
    let field = try Field(set, floats: 1 << 16)
    for (length, depth, tile) in [(1, 1, 32), (5, 3, 32), (33, 8, 32), (64, 17, 64), (97, 32, 32), (100, 5, 96)] {
      let count = length * depth
      // Scores grow along the keys for some rows, so that the running maximum moves.
      let q = numbers(count, 1).map { $0 * 3 }
      let k = numbers(count, 2).enumerated().map { $1 + Float($0 / depth) / Float(length) }
      let v = numbers(count, 3)
      for causal in [false, true] {
        let (output, logs) = Self.attention(field, q, k, v, length: length, depth: depth, tile: tile, causal: causal)
        var expected = [Double](), expectedLogs = [Double]()
        for i in 0..<length {
          let seen = causal ? i + 1 : length
          let scores = (0..<seen).map { j in
            (0..<depth).reduce(Double(0)) { $0 + Double(q[i * depth + $1]) * Double(k[j * depth + $1]) } / 2
          }
          let most = scores.max() ?? 0, sum = scores.reduce(0) { $0 + exp($1 - most) }
          expectedLogs.append(most + log(sum))
          for d in 0..<depth {
            expected.append((0..<seen).reduce(0) { $0 + exp(scores[$1] - most) / sum * Double(v[$1 * depth + d]) })
          }
        }
        #expect(worstError(output, expected) < 2e-6, "\(length) × \(depth) in \(tile), causal \(causal)")
        #expect(worstError(logs, expectedLogs) < 2e-6, "\(length) × \(depth) in \(tile), causal \(causal)")
      }
    }
  }

  /// What a query may not look at changes none of its bits.
  @Test(arguments: InstructionSet.available) func hiddenKeysChangeNoBit(set: InstructionSet) throws {
    let field = try Field(set, floats: 1 << 16), (length, depth) = (70, 11), count = length * depth
    let q = numbers(count, 1), k = numbers(count, 2), v = numbers(count, 3)
    for tile in [32, 64] {
      let whole = Self.attention(field, q, k, v, length: length, depth: depth, tile: tile, causal: true)
      for changed in [1, 31, 32, 33, 69] {
        func later(_ x: [Float], _ factor: Float) -> [Float] {
          x.enumerated().map { $0 < changed * depth ? $1 : ($1 + 2) * factor }
        }
        let other = Self.attention(
          field, later(q, 3), later(k, -50), later(v, 1e20), length: length, depth: depth, tile: tile, causal: true)
        #expect(other.output[..<(changed * depth)].elementsEqual(whole.output[..<(changed * depth)]), "from \(changed)")
        #expect(Array(other.logSums[..<changed]).bits == Array(whole.logSums[..<changed]).bits, "from \(changed)")
        #expect(other.output[(changed * depth)...] != whole.output[(changed * depth)...], "from \(changed)")
      }
    }
  }

  @Test(arguments: InstructionSet.available) func hiddenScoresBecomeZero(set: InstructionSet) throws {
    let field = try Field(set), (rows, n) = (9, 21)
    // Row r sees r - 4 keys of this tile: the first five none.
    let visible = VisibleKeys.causal(firstQuery: 27, firstKey: 32)
    let scores = field.place(rows, n, seed: 1), again = field.place(rows, n, seed: 1)
    let maxima = field.place(rows, 1, [Float](repeating: 0.5, count: rows), contiguous: true)
    let sums = field.place(rows, 1, [Float](repeating: 1, count: rows), contiguous: true)
    let output = field.place(rows, 3, seed: 3)
    let before = field.memory.read(output), shrink = field.place(rows, 1, seed: 4, contiguous: true)
    field.memory.runningSoftmax(
      scores, scale: 1, visible: visible, maxima: maxima, sums: sums, shrink: shrink, output: output)
    field.memory.softmaxAgain(again, scale: 1, visible: visible, logSums: maxima)
    for r in 0..<rows {
      for j in 0..<n {
        #expect((field.memory.value(scores, r, j) == 0) == (j >= max(0, r - 4)), "\(r), \(j)")
        #expect((field.memory.value(again, r, j) == 0) == (j >= max(0, r - 4)), "\(r), \(j)")
      }
      if r <= 4 {
        #expect(field.memory.value(sums, r, 0) == 1 && field.memory.value(maxima, r, 0) == 0.5)
        #expect((0..<3).allSatisfy { field.memory.value(output, r, $0) == before[r * 3 + $0] })
      }
    }
  }

  @Test(arguments: InstructionSet.available) func aBrokenScoreBreaksItsRowAlone(set: InstructionSet) throws {
    let field = try Field(set), n = 37
    for (place, broken) in [(0, Float.nan), (36, .nan), (20, .infinity)] {
      field.reset()
      var values = numbers(3 * n, 1)
      values[n + place] = broken
      let scores = field.place(3, n, values)
      let maxima = field.place(3, 1, [Float](repeating: -.infinity, count: 3), contiguous: true)
      let sums = field.place(3, 1, [0, 0, 0], contiguous: true),
        output = field.place(3, 2, [Float](repeating: 0, count: 6))
      let shrink = field.place(3, 1, seed: 4, contiguous: true)
      field.memory.runningSoftmax(
        scores, scale: 1, visible: .all, maxima: maxima, sums: sums, shrink: shrink, output: output)
      let totals = field.memory.read(sums)
      #expect(totals[0] > 0 && totals[1].isNaN && totals[2] > 0 && totals[2].isFinite, "\(broken) at \(place)")
    }
  }

  @Test(arguments: InstructionSet.available) func softmaxBackwardEqualsTheDefinition(set: InstructionSet) throws {
    let field = try Field(set), rows = 3
    for n in lengths {
      field.reset()
      let dp = field.place(rows, n, seed: n), p = field.place(rows, n, seed: n + 1)
      let deltas = field.place(rows, 1, seed: 2, contiguous: true)
      let (d, w, t) = (field.memory.read(dp), field.memory.read(p), field.memory.read(deltas))
      field.memory.softmaxBackward(dp, p, deltas: deltas, scale: 0.3)
      let expected = (0..<rows * n).map { Double(w[$0]) * (Double(d[$0]) - Double(t[$0 / n])) * Double(Float(0.3)) }
      #expect(worstError(field.memory.read(dp), expected) < 2e-7 && field.changedOnly(dp), "\(n)")
    }
  }

  /// The error of a dot product of numbers in -1 ..< 1: below 10⁻⁶ up to length 257, below 10⁻⁵ up to 1000.
  @Test(arguments: InstructionSet.available) func rowDotsEqualTheDefinition(set: InstructionSet) throws {
    let field = try Field(set), rows = 3
    for n in lengths {
      field.reset()
      let x = field.place(rows, n, seed: n), y = field.place(rows, n, seed: n + 1)
      let out = field.place(rows, 1, seed: 2, contiguous: true)
      let (xs, ys) = (field.memory.read(x), field.memory.read(y))
      field.memory.rowDots(out, x, y)
      let expected = (0..<rows).map { r in
        (r * n..<(r + 1) * n).reduce(Double(0)) { $0 + Double(xs[$1]) * Double(ys[$1]) }
      }
      #expect(worstError(field.memory.read(out), expected) < 2e-6 && field.changedOnly(out), "\(n)")
    }
  }

  /// c += aᵀ · b and c = a · bᵀ for factors that lie anywhere, in both precisions.
  @Test(arguments: InstructionSet.available, Precision.allCases)
  func tileProductsEqualTheDefinition(set: InstructionSet, precision: Precision) throws {
    let field = try Field(set, floats: 1 << 16, precision: precision)
    for (m, n, k) in [(1, 1, 1), (3, 33, 5), (13, 31, 64), (32, 32, 32), (25, 65, 7), (64, 7, 70), (5, 9, 0)] {
      let a = numbers(m * k, 1), b = numbers(k * n, 2), start = numbers(m * n, 3)
      func seen(_ x: [Float]) -> [Float] { precision == .fp32 ? x : x.map(bfloat16) }
      let product = MatrixProductTests.reference(seen(a), seen(b), m, n, k)
      for (transposed, turned, accumulate) in [(false, false, true), (true, false, true), (false, true, false)] {
        field.reset()
        let x = transposed ? field.place(k, m, MatrixProductTests.transpose(a, m, k)) : field.place(m, k, a)
        let y = turned ? field.place(n, k, MatrixProductTests.transpose(b, k, n)) : field.place(k, n, b)
        let c = field.place(m, n, start), packedCount = Memory.packedCount(depth: k, columns: n)
        let place = field.place(1, packedCount, numbers(packedCount, 4), contiguous: true)
        let roomCount = Memory.packingRoom(depth: k)
        let room = field.place(1, roomCount, numbers(roomCount, 5), contiguous: true)
        let packed = field.memory.pack(turned ? y.transposed : y.plain, into: place, room: room)
        field.memory.tileProduct(
          c, transposed ? x.transposed : x.plain, packed, depth: 0..<k, columns: 0..<n, accumulate: accumulate,
          room: room)
        let expected = accumulate ? zip(product, start).map { $0 + Double($1) } : product
        #expect(worstError(field.memory.read(c), expected) < 2e-6, "\(m)×\(k)×\(n) \(transposed) \(turned)")
        #expect(field.changedOnly(c, place, room), "\(m)×\(k)×\(n)")
      }
    }
  }
}
