internal import MiniGPTCKernels

/// Where a thread lays out strips of the left factor, and rows of the right one on their way to a panel.
@safe struct PackingRoom {
  let strip: UnsafeMutablePointer<Float>
  let rows: UnsafeMutablePointer<Float>
  /// Words from row to row: more than a step has, so that the rows of a strip fall into different sets of the cache.
  let rowWords: Int

  private static let stripRows = 32
  private static let groupRows = 16
  private static let gap = 16

  /// Floats for depths up to `depth`.
  static func count(depth: Int) -> Int { (stripRows + groupRows) * (depth + gap) }

  init(_ base: UnsafeMutablePointer<Float>, depth: Int) {
    rowWords = depth + Self.gap
    unsafe strip = base
    unsafe rows = base + Self.stripRows * rowWords
  }
}

/// A strip of the left factor as the tile reads it.
@safe struct StripView {
  let base: UnsafePointer<Float>
  let row: Int
  let column: Int
}

/// Lays out factors in the order in which the tiles read them, converted on the way.
@safe struct Packing {
  let table: UnsafePointer<minigpt_kernels>
  let format: FactorFormat
  let tileRows: Int
  /// Columns of a panel.
  let panel: Int
  /// Whether the tile wants a strip's rows contiguous.
  let stripsByRows: Bool

  init(_ kernels: Kernels, _ precision: Precision) {
    unsafe table = kernels.table
    format = FactorFormat(precision, kernels)
    tileRows = format == .pairs ? kernels.tileRows16 : kernels.tileRows
    panel = kernels.tileColumns
    stripsByRows = unsafe format == .pairs && table.pointee.strips_by_rows != 0
  }

  /// Panels as wide as a tile, word after word of the depth; what a narrow last panel lacks is never read.
  func right(
    _ b: Factor, _ columns: Range<Int>, _ depths: Range<Int>, into packed: UnsafeMutablePointer<Float>,
    _ room: PackingRoom
  ) {
    let words = format.words(depths.count)
    var target = unsafe packed
    for column in stride(from: columns.lowerBound, to: columns.upperBound, by: panel) {
      let width = min(panel, columns.upperBound - column)
      let source = unsafe b.at(depths.lowerBound, column)
      if b.column == 1 {
        unsafe rows(source, b.row, width, depths.count, into: target, panel)
      } else {
        unsafe transposed(source, b.column, width, depths.count, into: target, room)
      }
      unsafe target += panel * words
    }
  }

  /// A strip of a, as high as a tile: read where it lies, or converted row by row, or laid out column after column.
  ///
  /// - Parameter isNear: whether a lies in the first-level cache already.
  func left(_ a: Factor, _ rowRange: Range<Int>, _ depths: Range<Int>, isNear: Bool, _ room: PackingRoom) -> StripView {
    let height = rowRange.count, source = unsafe a.at(rowRange.lowerBound, depths.lowerBound)
    if a.column != 1 {
      if isNear && format == .single { return unsafe StripView(base: source, row: 1, column: a.column) }
      if stripsByRows {
        unsafe turnedStrip(source, a.column, height, depths.count, room)
        return unsafe StripView(base: UnsafePointer(room.strip), row: room.rowWords, column: 1)
      }
      unsafe rows(source, a.column, height, depths.count, into: room.strip, tileRows)
      return unsafe StripView(base: UnsafePointer(room.strip), row: 1, column: tileRows)
    }
    // Rows that are a multiple of 4 KB apart share one set of the first-level cache, which holds 8 to 12 of them.
    if format == .single && a.row % 1024 != 0 { return unsafe StripView(base: source, row: a.row, column: 1) }
    for r in 0..<height {
      unsafe convert(source + r * a.row, depths.count, into: room.strip + r * room.rowWords)
    }
    return unsafe StripView(base: UnsafePointer(room.strip), row: room.rowWords, column: 1)
  }

  /// strip[i, k] = source[k, i] for i < height, 16 words of the depth at a time.
  private func turnedStrip(
    _ source: UnsafePointer<Float>, _ sourceRow: Int, _ height: Int, _ depth: Int, _ room: PackingRoom
  ) {
    for k in stride(from: 0, to: depth, by: 32) {
      let count = min(32, depth - k)
      unsafe rows(source + k * sourceRow, sourceRow, height, count, into: room.rows, 32)
      unsafe table.pointee.transpose(
        room.strip + k / 2, room.rowWords, UnsafePointer(room.rows), 32, format.words(count), height)
    }
  }

  /// target[k, j] = source[k, j] for j < width, in the words of the format.
  private func rows(
    _ source: UnsafePointer<Float>, _ sourceRow: Int, _ width: Int, _ depth: Int,
    into target: UnsafeMutablePointer<Float>, _ targetRow: Int
  ) {
    switch format {
    case .single: unsafe table.pointee.copy_rows(target, targetRow, source, sourceRow, depth, width)
    case .rounded:
      for k in 0..<depth { unsafe table.pointee.round16(target + k * targetRow, source + k * sourceRow, width) }
    case .pairs:
      unsafe target.withMemoryRebound(to: UInt32.self, capacity: width) { words in
        unsafe table.pointee.interleave16(words, targetRow, source, sourceRow, depth, width)
      }
    }
  }

  /// target[k, j] = source[j, k] for j < width.
  private func transposed(
    _ source: UnsafePointer<Float>, _ sourceRow: Int, _ width: Int, _ depth: Int,
    into target: UnsafeMutablePointer<Float>, _ room: PackingRoom
  ) {
    if format == .single { return unsafe table.pointee.transpose(target, panel, source, sourceRow, width, depth) }
    for j in stride(from: 0, to: width, by: 16) {
      let count = min(16, width - j)
      for r in 0..<count {
        unsafe convert(source + (j + r) * sourceRow, depth, into: room.rows + r * room.rowWords)
      }
      unsafe table.pointee.transpose(
        target + j, panel, UnsafePointer(room.rows), room.rowWords, count, format.words(depth))
    }
  }

  /// One row in the words of the format.
  private func convert(_ source: UnsafePointer<Float>, _ count: Int, into target: UnsafeMutablePointer<Float>) {
    switch format {
    case .single: unsafe target.update(from: source, count: count)
    case .rounded: unsafe table.pointee.round16(target, source, count)
    case .pairs:
      unsafe target.withMemoryRebound(to: UInt32.self, capacity: (count + 1) / 2) { words in
        unsafe table.pointee.narrow16(words, source, count)
      }
    }
  }

  /// One tile: c = or += strip · panel, over `words` of the depth.
  @inline(__always) func tile(
    _ size: (height: Int, width: Int, words: Int), _ left: StripView,
    _ right: (base: UnsafePointer<Float>, row: Int), into c: (base: UnsafeMutablePointer<Float>, row: Int),
    accumulate: Bool
  ) {
    guard format == .pairs, let product16 = unsafe table.pointee.product16 else {
      return unsafe table.pointee.product(
        size.height, size.width, size.words, left.base, left.row, left.column, right.base, right.row, c.base, c.row,
        accumulate ? 1 : 0)
    }
    unsafe UnsafeRawPointer(left.base).withMemoryRebound(to: UInt32.self, capacity: 1) { x in
      unsafe UnsafeRawPointer(right.base).withMemoryRebound(to: UInt32.self, capacity: 1) { y in
        unsafe product16(
          size.height, size.width, size.words, x, left.row, left.column, y, right.row, c.base, c.row,
          accumulate ? 1 : 0)
      }
    }
  }
}
