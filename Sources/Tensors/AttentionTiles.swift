internal import MiniGPTCKernels
internal import MiniGPTPlatform

// What attention does with one tile of queries and keys, on the calling thread: `ScaledDotProductAttention` puts the
// steps together. All slots of a call belong to the caller's part of the work.

/// A right factor `[K, N]` laid out for tiles: panels as wide as a tile, each with the whole depth.
package struct PackedFactor: Sendable {
  let place: Slot
  let depth: Int
  let columns: Int
}

extension Memory {
  /// Floats for any packed factor `[K, N]`, whatever the kernels.
  package static func packedCount(depth: Int, columns: Int) -> Int { (columns + 31) / 32 * 32 * depth }

  /// Floats that packing and multiplying tiles of depths up to `depth` use on the way.
  package static func packingRoom(depth: Int) -> Int { PackingRoom.count(depth: depth) }

  /// Lays a factor out in `place`. `room` is what `packingRoom` says for its depth.
  package func pack(_ x: Operand, into place: Slot, room: Slot) -> PackedFactor {
    let packing = Packing(kernels, precision)
    check(
      Memory.packedCount(depth: x.rows, columns: x.columns) <= place.count
        && PackingRoom.count(depth: x.rows) <= room.count, "packing \(x.slot) into \(place), room \(room)")
    unsafe packing.right(
      Factor(pointer(x.slot), x), 0..<x.columns, 0..<x.rows, into: pointer(place),
      PackingRoom(pointer(room), depth: x.rows))
    return PackedFactor(place: place, depth: x.rows, columns: x.columns)
  }

  /// c = or += a · b, where of the packed b these rows and columns count; the first row is even, and the first column
  /// begins a panel.
  package func tileProduct(
    _ c: Slot, _ a: Operand, _ b: PackedFactor, depth: Range<Int>, columns: Range<Int>, accumulate: Bool, room: Slot
  ) {
    let packing = Packing(kernels, precision), panel = packing.panel
    check(
      a.rows == c.rows && a.columns == depth.count && c.columns == columns.count && depth.upperBound <= b.depth
        && columns.upperBound <= b.columns && depth.lowerBound % 2 == 0 && columns.lowerBound % panel == 0
        && PackingRoom.count(depth: a.columns) <= room.count,
      "tile \(c) of \(a.slot) and rows \(depth), columns \(columns) of \(b.place)")
    let words = packing.format.words(depth.count), panelLength = packing.format.words(b.depth) * panel
    let first = unsafe UnsafePointer(
      pointer(b.place) + columns.lowerBound / panel * panelLength
        + packing.format.words(depth.lowerBound) * panel)
    let left = unsafe Factor(pointer(a.slot), a), target = unsafe pointer(c)
    let room = unsafe PackingRoom(pointer(room), depth: a.columns)
    for row in stride(from: 0, to: c.rows, by: packing.tileRows) {
      let height = min(packing.tileRows, c.rows - row)
      let strip = packing.left(left, row..<row + height, 0..<depth.count, isNear: true, room)
      for column in stride(from: 0, to: c.columns, by: panel) {
        unsafe packing.tile(
          (height, min(panel, c.columns - column), words), strip, (first + column / panel * panelLength, panel),
          into: (target + row * c.stride + column, c.stride), accumulate: accumulate)
      }
    }
  }

  /// One step of the running softmax (Milakov and Gimelshein 2018; Dao et al. 2022, FlashAttention, algorithm 1).
  ///
  /// `scores` `[M, N]` become exp(scale · score - m), m being the largest seen in the row so far; `maxima` and `sums`
  /// `[M, 1]` go along, and what `output` `[M, D]` holds is rescaled to the new m. Row r sees the first columns that
  /// `visible` counts for it, the others become 0. Before the first tile, maxima are -infinity, sums and output 0.
  ///
  /// `shrink` `[M, 1]` is used on the way.
  package func runningSoftmax(
    _ scores: Slot, scale: Float, visible: VisibleKeys, maxima: Slot, sums: Slot, shrink: Slot, output: Slot
  ) {
    check(
      maxima.count == scores.rows && sums.count == scores.rows && output.rows == scores.rows
        && shrink.count == scores.rows && maxima.isContiguous && sums.isContiguous && shrink.isContiguous,
      "running softmax of \(scores)")
    var seen = visible.kernel(columns: scores.columns)
    let shrink = unsafe pointer(shrink)
    unsafe kernels.table.pointee.running_softmax(
      pointer(scores), scores.stride, scores.rows, scores.columns, &seen, scale, pointer(maxima), pointer(sums), shrink)
    unsafe kernels.table.pointee.scale_rows(pointer(output), output.stride, output.rows, output.columns, shrink)
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
    var seen = visible.kernel(columns: scores.columns)
    unsafe kernels.table.pointee.softmax_again(
      pointer(scores), scores.stride, scores.rows, scores.columns, &seen, scale, pointer(logSums))
  }

  /// dp = p · (dp - delta) · scale, row by row: the way back through softmax and scale.
  package func softmaxBackward(_ dp: Slot, _ p: Slot, deltas: Slot, scale: Float) {
    check(
      dp.rows == p.rows && dp.columns == p.columns && deltas.count == p.rows && deltas.isContiguous,
      "softmax backward of \(dp) at \(p)")
    unsafe kernels.table.pointee.softmax_backward(
      pointer(dp), dp.stride, pointer(p), p.stride, dp.rows, dp.columns, pointer(deltas), scale)
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

  func kernel(columns: Int) -> minigpt_visible {
    minigpt_visible(first: causal ?? columns, step: causal == nil ? 0 : 1)
  }
}
