internal import CKernels
internal import Parallel
internal import Platform

/// What is done to a product's block while it is still in the cache.
package enum Epilogue: Sendable {
  case none
  /// Adds a bias row `[1, N]`.
  case bias(Slot)
  /// Adds a bias row, then writes the activated matrix to a second place; the product keeps what came before.
  case biasThenActivation(Slot, Activation, into: Slot)
  /// Multiplies by the activation's slope at `at`: the way back through it.
  case activationBackward(Activation, at: Slot)
}

extension Memory {
  /// Most floats of the right factor that a thread keeps packed.
  static let packedFloats = 256 * 512
  /// Most floats of a transposed left factor that a thread keeps packed.
  static let packedLeftFloats = 256 * 64
  static let productScratch = packedFloats + packedLeftFloats + 64

  /// c = a · b, or c += a · b, for c `[M, N]`, a `[M, K]`, b `[K, N]`; then the epilogue.
  ///
  /// Blocks as in Goto and van de Geijn 2008, "Anatomy of High-Performance Matrix Multiplication": a part owns a block
  /// of c, goes through K in steps, keeps the step's piece of b packed in panels as wide as a tile, and lets tiles run
  /// down the rows of a. Every element of c is one chain over k, so neither the blocks nor the threads show in the
  /// bits.
  package func product(_ c: Slot, _ a: Operand, _ b: Operand, accumulate: Bool = false, then epilogue: Epilogue = .none)
  {
    check(
      a.rows == c.rows && b.columns == c.columns && a.columns == b.rows,
      "product of [\(a.rows), \(a.columns)] and [\(b.rows), \(b.columns)] into \(c)")
    if c.rows == 0 || c.columns == 0 { return }
    check(epilogueFits(epilogue, c), "epilogue \(epilogue) for \(c)")
    let work = unsafe ProductWork(
      c: pointer(c), cRow: c.stride, rows: c.rows, columns: c.columns, a: Factor(pointer(a.slot), a),
      b: Factor(pointer(b.slot), b),
      depth: a.columns, accumulate: accumulate, epilogue: epilogue, memory: self,
      grid: BlockGrid(rows: c.rows, columns: c.columns, kernels: kernels, threads: pool.threads))
    pool.run(work.grid.parts, work)
  }

  private func epilogueFits(_ epilogue: Epilogue, _ c: Slot) -> Bool {
    switch epilogue {
    case .none: true
    case .bias(let bias): bias.rows == 1 && bias.columns == c.columns
    case .biasThenActivation(let bias, _, let into):
      bias.rows == 1 && bias.columns == c.columns && into.rows == c.rows && into.columns == c.columns
    case .activationBackward(_, let at): at.rows == c.rows && at.columns == c.columns
    }
  }
}

/// A factor as the tiles see it: element (i, j) lies at `base[i * row + j * column]`.
@safe private struct Factor {
  let base: UnsafePointer<Float>
  let row: Int
  let column: Int

  init(_ base: UnsafeMutablePointer<Float>, _ operand: Operand) {
    unsafe self.base = UnsafePointer(base)
    row = operand.isTransposed ? 1 : operand.slot.stride
    column = operand.isTransposed ? operand.slot.stride : 1
  }

  func at(_ i: Int, _ j: Int) -> UnsafePointer<Float> { unsafe base + i * row + j * column }
}

/// How a result is cut into blocks, one a part: blocks are wide multiples of a tile, and enough for the threads.
private struct BlockGrid {
  let rowsPerBlock: Int
  let columnsPerBlock: Int
  let blockRows: Int
  let blockColumns: Int

  var parts: Int { blockRows * blockColumns }

  init(rows: Int, columns: Int, kernels: Kernels, threads: Int) {
    let tileRows = kernels.tileRows, panel = kernels.tileColumns
    var rowsPerBlock = min((rows + tileRows - 1) / tileRows, max(1, 768 / tileRows)) * tileRows
    var columnsPerBlock = min((columns + panel - 1) / panel * panel, 512)
    // Narrower blocks first: a packed panel then serves all rows.
    while ((rows + rowsPerBlock - 1) / rowsPerBlock) * ((columns + columnsPerBlock - 1) / columnsPerBlock) < 3 * threads
    {
      if columnsPerBlock > 4 * panel || (columnsPerBlock > panel && rowsPerBlock <= 16 * tileRows) {
        columnsPerBlock = (columnsPerBlock / 2 + panel - 1) / panel * panel
      } else if rowsPerBlock > 8 * tileRows {
        rowsPerBlock = (rowsPerBlock / 2 + tileRows - 1) / tileRows * tileRows
      } else {
        break
      }
    }
    self.rowsPerBlock = rowsPerBlock
    self.columnsPerBlock = columnsPerBlock
    blockRows = (rows + rowsPerBlock - 1) / rowsPerBlock
    blockColumns = (columns + columnsPerBlock - 1) / columnsPerBlock
  }
}

@safe private struct ProductWork: ParallelWork {
  let c: UnsafeMutablePointer<Float>
  let cRow: Int
  let rows: Int
  let columns: Int
  let a: Factor
  let b: Factor
  let depth: Int
  let accumulate: Bool
  let epilogue: Epilogue
  let memory: Memory
  let grid: BlockGrid

  /// Steps of K: their piece of a panel of b stays in the first-level cache.
  private static let longestStep = 256

  func callAsFunction(_ part: Int, thread: Int) {
    let firstRow = part / grid.blockColumns * grid.rowsPerBlock
    let firstColumn = part % grid.blockColumns * grid.columnsPerBlock
    let rowRange = firstRow..<min(rows, firstRow + grid.rowsPerBlock)
    let columnRange = firstColumn..<min(columns, firstColumn + grid.columnsPerBlock)
    var scratch = memory.scratch(thread)
    let packedRight = unsafe memory.pointer(scratch.take(1, Memory.packedFloats))
    let packedLeft = unsafe memory.pointer(scratch.take(1, Memory.packedLeftFloats))

    let steps = max(1, (depth + Self.longestStep - 1) / Self.longestStep), stepDepth = (depth + steps - 1) / steps
    for step in 0..<steps {
      let depths = step * stepDepth..<max(step * stepDepth, min(depth, (step + 1) * stepDepth))
      unsafe multiply(
        rowRange, columnRange, depths, accumulate: accumulate || step > 0, packedLeft: packedLeft,
        packedRight: packedRight)
    }
    finish(rowRange, columnRange)
  }

  /// One step of K for one block of c.
  private func multiply(
    _ rowRange: Range<Int>, _ columnRange: Range<Int>, _ depths: Range<Int>, accumulate: Bool,
    packedLeft: UnsafeMutablePointer<Float>, packedRight: UnsafeMutablePointer<Float>
  ) {
    let tileRows = memory.kernels.tileRows, panel = memory.kernels.tileColumns
    let product = unsafe memory.kernels.table.pointee.product
    // A few rows do not pay for packing a right factor that can be read where it lies.
    let packs = b.column != 1 || rowRange.count > 2 * tileRows
    if packs { unsafe packRight(columnRange, depths, panel, packedRight) }
    let band = max(1, 60 / tileRows) * tileRows
    for bandStart in stride(from: rowRange.lowerBound, to: rowRange.upperBound, by: band) {
      let bandEnd = min(bandStart + band, rowRange.upperBound)
      if a.column != 1 { unsafe packLeft(bandStart..<bandEnd, depths, tileRows, packedLeft) }
      for (index, column) in stride(from: columnRange.lowerBound, to: columnRange.upperBound, by: panel).enumerated() {
        let width = min(panel, columnRange.upperBound - column)
        let right =
          unsafe packs
          ? UnsafePointer(packedRight + index * panel * depths.count) : b.at(depths.lowerBound, column)
        for row in stride(from: bandStart, to: bandEnd, by: tileRows) {
          let height = min(tileRows, bandEnd - row)
          let target = unsafe c + row * cRow + column
          if a.column == 1 {
            unsafe product(
              height, width, depths.count, a.at(row, depths.lowerBound), a.row, 1, right, packs ? panel : b.row, target,
              cRow, accumulate ? 1 : 0)
          } else {
            unsafe product(
              height, width, depths.count, packedLeft + (row - bandStart) * depths.count, 1, tileRows, right,
              packs ? panel : b.row, target, cRow, accumulate ? 1 : 0)
          }
        }
      }
    }
  }

  /// Panels as wide as a tile, row after row of b; what a narrow last panel lacks is never read.
  private func packRight(
    _ columnRange: Range<Int>, _ depths: Range<Int>, _ panel: Int, _ packed: UnsafeMutablePointer<Float>
  ) {
    var target = unsafe packed
    for column in stride(from: columnRange.lowerBound, to: columnRange.upperBound, by: panel) {
      let width = min(panel, columnRange.upperBound - column)
      if b.column == 1 {
        for k in 0..<depths.count {
          unsafe (target + k * panel).update(from: b.at(depths.lowerBound + k, column), count: width)
        }
      } else {
        unsafe transpose(
          b.at(depths.lowerBound, column), b.column, width, depths.count, into: target, panel)
      }
      unsafe target += panel * depths.count
    }
  }

  /// Bands of `tileRows` rows of a, column after column.
  private func packLeft(
    _ rowRange: Range<Int>, _ depths: Range<Int>, _ tileRows: Int, _ packed: UnsafeMutablePointer<Float>
  ) {
    var target = unsafe packed
    for row in stride(from: rowRange.lowerBound, to: rowRange.upperBound, by: tileRows) {
      let height = min(tileRows, rowRange.upperBound - row)
      for k in 0..<depths.count {
        let source = unsafe a.at(row, depths.lowerBound + k)
        for r in 0..<height { unsafe target[k * tileRows + r] = source[r] }
      }
      unsafe target += tileRows * depths.count
    }
  }

  private func finish(_ rowRange: Range<Int>, _ columnRange: Range<Int>) {
    let table = unsafe memory.kernels.table, n = columnRange.count, first = columnRange.lowerBound
    switch epilogue {
    case .none: break
    case .bias(let bias):
      let bias = unsafe memory.pointer(bias) + first
      for row in rowRange { unsafe table.pointee.add(c + row * cRow + first, bias, n) }
    case .biasThenActivation(let bias, let activation, let into):
      let bias = unsafe memory.pointer(bias) + first, activated = unsafe memory.pointer(into) + first
      let bend = unsafe activation == .gelu ? table.pointee.gelu : table.pointee.relu
      for row in rowRange {
        unsafe table.pointee.add(c + row * cRow + first, bias, n)
        unsafe bend(activated + row * into.stride, c + row * cRow + first, n)
      }
    case .activationBackward(let activation, let at):
      let before = unsafe memory.pointer(at) + first
      let bend = unsafe activation == .gelu ? table.pointee.gelu_backward : table.pointee.relu_backward
      for row in rowRange { unsafe bend(c + row * cRow + first, before + row * at.stride, n) }
    }
  }
}

/// target[k, j] = source[j, k] for j < width, k < depth; rows of the source `sourceRow` apart, of the target `panel`.
func transpose(
  _ source: UnsafePointer<Float>, _ sourceRow: Int, _ width: Int, _ depth: Int,
  into target: UnsafeMutablePointer<Float>, _ panel: Int
) {
  var j = 0
  while j + 4 <= width {
    let s0 = unsafe source + j * sourceRow, s1 = unsafe s0 + sourceRow
    let s2 = unsafe s1 + sourceRow, s3 = unsafe s2 + sourceRow
    for k in 0..<depth {
      let four = unsafe SIMD4(s0[k], s1[k], s2[k], s3[k])
      unsafe UnsafeMutableRawPointer(target + k * panel + j).storeBytes(of: four, as: SIMD4<Float>.self)
    }
    j += 4
  }
  while j < width {
    for k in 0..<depth { unsafe target[k * panel + j] = source[j * sourceRow + k] }
    j += 1
  }
}
