internal import CKernels
internal import Platform

// What attention does with one tile of queries and keys, on the calling thread: `ScaledDotProductAttention` puts the
// steps together. All slots of a call belong to the caller's part of the work.

extension Memory {
  /// How many floats `packTransposed` writes for a matrix of `rows` × `depth`.
  package func packedCount(rows: Int, depth: Int) -> Int {
    let panel = kernels.tileColumns
    return (rows + panel - 1) / panel * panel * depth
  }

  /// Lays xᵀ `[K, rows]` of x `[rows, K]` into panels as wide as a tile.
  package func packTransposed(_ x: Slot, into packed: Slot) {
    let panel = kernels.tileColumns
    check(packed.count >= packedCount(rows: x.rows, depth: x.columns), "packing \(x) into \(packed)")
    let source = unsafe pointer(x), target = unsafe pointer(packed)
    for first in stride(from: 0, to: x.rows, by: panel) {
      unsafe transpose(
        source + first * x.stride, x.stride, min(panel, x.rows - first), x.columns, into: target + first * x.columns,
        panel)
    }
  }

  /// c `[M, N]` = a `[M, K]` · (rows `first ..< first + N` of the packed matrix)ᵀ; `first` begins a panel.
  package func tileProduct(_ c: Slot, _ a: Slot, packed: Slot, first: Int) {
    let panel = kernels.tileColumns, rows = kernels.tileRows
    check(
      a.rows == c.rows && first % panel == 0
        && packedCount(rows: first + c.columns, depth: a.columns) <= packed.count,
      "tile \(c) of \(a) and \(packed) from \(first)")
    let product = unsafe kernels.table.pointee.product
    let x = unsafe pointer(a), y = unsafe pointer(packed) + first * a.columns, z = unsafe pointer(c)
    for column in stride(from: 0, to: c.columns, by: panel) {
      for row in stride(from: 0, to: c.rows, by: rows) {
        unsafe product(
          min(rows, c.rows - row), min(panel, c.columns - column), a.columns, x + row * a.stride, a.stride, 1,
          y + column * a.columns, panel, z + row * c.stride + column, c.stride, 0)
      }
    }
  }

  /// c `[M, N]` += a `[M, K]` · b `[K, N]`, b read where it lies.
  package func tileProductAdd(_ c: Slot, _ a: Operand, _ b: Slot) {
    check(a.rows == c.rows && a.columns == b.rows && b.columns == c.columns, "tile \(c) of \(a.slot) and \(b)")
    let panel = kernels.tileColumns, rows = kernels.tileRows
    let product = unsafe kernels.table.pointee.product
    let x = unsafe pointer(a.slot), y = unsafe pointer(b), z = unsafe pointer(c)
    let xRow = a.isTransposed ? 1 : a.slot.stride, xDepth = a.isTransposed ? a.slot.stride : 1
    for column in stride(from: 0, to: c.columns, by: panel) {
      for row in stride(from: 0, to: c.rows, by: rows) {
        unsafe product(
          min(rows, c.rows - row), min(panel, c.columns - column), a.columns, x + row * xRow, xRow, xDepth, y + column,
          b.stride, z + row * c.stride + column, c.stride, 1)
      }
    }
  }

  /// One step of the running softmax (Milakov and Gimelshein 2018; Dao et al. 2022, FlashAttention, algorithm 1).
  ///
  /// `scores` `[M, N]` become exp(scale · score - m), m being the largest seen in the row so far; `maxima` and `sums`
  /// `[M, 1]` go along, and what `output` `[M, D]` holds is rescaled to the new m. Row r sees the first columns that
  /// `visible` counts for it, the others become 0. Before the first tile, maxima are -infinity, sums and output 0.
  package func runningSoftmax(
    _ scores: Slot, scale: Float, visible: VisibleKeys, maxima: Slot, sums: Slot, output: Slot
  ) {
    check(
      maxima.count == scores.rows && sums.count == scores.rows && output.rows == scores.rows
        && maxima.isContiguous && sums.isContiguous, "running softmax of \(scores)")
    let base = unsafe pointer(scores), maxima = unsafe pointer(maxima), sums = unsafe pointer(sums)
    let out = unsafe pointer(output), table = unsafe kernels.table
    for r in 0..<scores.rows {
      let row = unsafe base + r * scores.stride
      let seen = visible.count(row: r, of: scores.columns)
      if seen > 0 {
        let before = unsafe maxima[r]
        let now = unsafe max(before, scale * table.pointee.maximum(row, seen))
        let shrink = exponential(before - now)
        let sum = unsafe table.pointee.exponentials(row, seen, scale, now)
        unsafe sums[r] = sums[r] * shrink + sum
        unsafe maxima[r] = now
        if shrink != 1 { unsafe table.pointee.scale(out + r * output.stride, shrink, output.columns) }
      }
      unsafe (row + seen).update(repeating: 0, count: scores.columns - seen)
    }
  }

  /// The end of the running softmax: output rows divided by their sums, and m + log(sum) to `logSums`. Every row must
  /// have seen a key.
  package func finishSoftmax(_ output: Slot, maxima: Slot, sums: Slot, logSums: Slot) {
    check(
      maxima.count == output.rows && sums.count == output.rows && logSums.count == output.rows && logSums.isContiguous,
      "end of softmax of \(output)")
    let out = unsafe pointer(output), maxima = unsafe pointer(maxima), sums = unsafe pointer(sums)
    let logSums = unsafe pointer(logSums)
    for r in 0..<output.rows {
      unsafe kernels.table.pointee.scale(out + r * output.stride, 1 / sums[r], output.columns)
      unsafe logSums[r] = maxima[r] + logarithm(sums[r])
    }
  }

  /// Scores become the weights exp(scale · score - logSum) once more, on the way back.
  package func softmaxAgain(_ scores: Slot, scale: Float, visible: VisibleKeys, logSums: Slot) {
    check(logSums.count == scores.rows && logSums.isContiguous, "softmax of \(scores) again, \(logSums)")
    let base = unsafe pointer(scores), logSums = unsafe pointer(logSums)
    for r in 0..<scores.rows {
      let row = unsafe base + r * scores.stride
      let seen = visible.count(row: r, of: scores.columns)
      _ = unsafe kernels.table.pointee.exponentials(row, seen, scale, logSums[r])
      unsafe (row + seen).update(repeating: 0, count: scores.columns - seen)
    }
  }

  /// dp = p · (dp - delta) · scale, row by row: the way back through softmax and scale.
  package func softmaxBackward(_ dp: Slot, _ p: Slot, deltas: Slot, scale: Float) {
    check(
      dp.rows == p.rows && dp.columns == p.columns && deltas.count == p.rows && deltas.isContiguous,
      "softmax backward of \(dp) at \(p)")
    let dps = unsafe pointer(dp), ps = unsafe pointer(p), deltas = unsafe pointer(deltas)
    for r in 0..<dp.rows {
      unsafe kernels.table.pointee.softmax_backward(dps + r * dp.stride, ps + r * p.stride, deltas[r], scale, p.columns)
    }
  }

  /// out[r] = x[r] · y[r], row by row.
  package func rowDots(_ out: Slot, _ x: Slot, _ y: Slot) {
    check(
      x.rows == y.rows && x.columns == y.columns && out.count == x.rows && out.isContiguous,
      "row products of \(x) and \(y)")
    let out = unsafe pointer(out), xs = unsafe pointer(x), ys = unsafe pointer(y)
    for r in 0..<x.rows {
      unsafe out[r] = kernels.table.pointee.dot(xs + r * x.stride, ys + r * y.stride, x.columns)
    }
  }
}

/// How many of a tile's keys each of its queries may look at: all that are there, or those up to its own place.
package struct VisibleKeys: Sendable {
  /// Keys that row 0 sees, beginning with the tile's first; row r sees r more. Nil: every row sees all.
  let causal: Int?

  /// Every row sees all keys of the tile.
  package static let all = VisibleKeys(causal: nil)

  /// Query `firstQuery + r` sees the keys up to its own place in a tile that begins with `firstKey`.
  package static func causal(firstQuery: Int, firstKey: Int) -> VisibleKeys {
    VisibleKeys(causal: firstQuery - firstKey + 1)
  }

  @inline(__always) func count(row: Int, of columns: Int) -> Int {
    guard let causal else { return columns }
    return min(columns, max(0, causal + row))
  }
}
