internal import MiniGPTCKernels
internal import MiniGPTParallel
internal import MiniGPTPlatform

/// What is done to a product's block while it is still in the cache.
package enum Epilogue: Sendable {
  case none
  /// Adds a bias row `[1, N]`.
  case bias(Slot)
  /// Adds a bias row, then writes the activated matrix to a second place; the product keeps what came before.
  case activation(Activation, bias: Slot?, into: Slot)
  /// Multiplies by the activation's slope at `at`: the way back through it.
  case activationBackward(Activation, at: Slot)
  /// Adds a bias row, then writes the activated matrix times a second one to a third place.
  case gate(Activation, bias: Slot?, times: Slot, into: Slot)
  /// The way back through `gate`, whose product was `at`: the gradient of `times` is written, the product becomes that of
  /// `at`.
  case gateBackward(Activation, at: Slot, times: Slot, gradient: Slot)
}

extension Memory {
  /// c = a · b, or c += a · b, for c `[M, N]`, a `[M, K]`, b `[K, N]`; then the epilogue.
  ///
  /// Blocks as in Goto and van de Geijn 2008, "Anatomy of High-Performance Matrix Multiplication": a part owns a block
  /// of c, goes through K in steps, keeps the step's piece of b packed in panels as wide as a tile, and lets strips of
  /// a, as high as a tile, run over the panels; `Docs/Products.md` has the arithmetic. Every element of c is one chain
  /// over k, so neither the blocks nor the threads show in the bits.
  package func product(_ c: Slot, _ a: Operand, _ b: Operand, accumulate: Bool = false, then epilogue: Epilogue = .none)
  {
    check(
      a.rows == c.rows && b.columns == c.columns && a.columns == b.rows,
      "product of [\(a.rows), \(a.columns)] and [\(b.rows), \(b.columns)] into \(c)")
    if c.rows == 0 || c.columns == 0 { return }
    check(epilogueFits(epilogue, c), "epilogue \(epilogue) for \(c)")
    let work = unsafe ProductWork(
      c: pointer(c), cRow: c.stride, rows: c.rows, columns: c.columns, a: Factor(pointer(a.slot), a),
      b: Factor(pointer(b.slot), b), depth: a.columns, accumulate: accumulate, epilogue: epilogue, memory: self)
    timeSplit?.productOperations += 2 * Double(c.rows) * Double(c.columns) * Double(a.columns)
    run(.product, work.grid.parts, work)
  }

  /// c = a · b on one thread, which is within a part of other work; its scratch memory up to `ProductWork.scratch` is used.
  func product(_ c: Slot, _ a: Operand, _ b: Operand, thread: Int) {
    check(
      a.rows == c.rows && b.columns == c.columns && a.columns == b.rows,
      "product of [\(a.rows), \(a.columns)] and [\(b.rows), \(b.columns)] into \(c)")
    let work = unsafe ProductWork(
      c: pointer(c), cRow: c.stride, rows: c.rows, columns: c.columns, a: Factor(pointer(a.slot), a),
      b: Factor(pointer(b.slot), b), depth: a.columns, accumulate: false, epilogue: .none, memory: self, isAlone: true)
    for part in 0..<work.grid.parts { work(part, thread: thread) }
  }

  /// The same for a c `[M, M]` that is symmetric: its lower half is computed and copied to the upper one.
  func symmetricProduct(_ c: Slot, _ a: Operand, _ b: Operand, thread: Int) {
    let step = max(kernels.tileColumns, c.rows / 8 / kernels.tileColumns * kernels.tileColumns)
    for start in stride(from: 0, to: c.rows, by: step) {
      let end = min(c.rows, start + step)
      product(
        c.rows(start..<c.rows).columns(start..<end), a.rows(start..<c.rows), b.columns(start..<end), thread: thread)
    }
    let base = unsafe pointer(c)
    for i in 0..<c.rows {
      for j in 0..<i { unsafe base[j * c.stride + i] = base[i * c.stride + j] }
    }
  }

  private func epilogueFits(_ epilogue: Epilogue, _ c: Slot) -> Bool {
    func isRow(_ bias: Slot?) -> Bool { bias.map { $0.rows == 1 && $0.columns == c.columns } ?? true }
    func fits(_ other: Slot) -> Bool { other.rows == c.rows && other.columns == c.columns }
    return switch epilogue {
    case .none: true
    case .bias(let bias): isRow(bias)
    case .activation(_, let bias, let into): isRow(bias) && fits(into)
    case .activationBackward(_, let at): fits(at)
    case .gate(_, let bias, let times, let into): isRow(bias) && fits(times) && fits(into)
    case .gateBackward(_, let at, let times, let gradient): fits(at) && fits(times) && fits(gradient)
    }
  }
}

/// A factor as the tiles see it: element (i, j) lies at `base[i * row + j * column]`.
@safe struct Factor {
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

/// The blocks of one product; see `Packing` for how the factors are laid out.
@safe struct ProductWork: ParallelWork {
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
  let packing: Packing
  /// Whether b is packed: a few rows do not pay for it where b can be read as it lies.
  let packs: Bool
  /// Whether b lies in panels already, as `packPanels` leaves it.
  let isInPanels: Bool
  let grid: ProductGrid

  init(
    c: UnsafeMutablePointer<Float>, cRow: Int, rows: Int, columns: Int, a: Factor, b: Factor, depth: Int,
    accumulate: Bool, epilogue: Epilogue, memory: Memory, isInPanels: Bool = false, isAlone: Bool = false
  ) {
    unsafe self.c = c
    self.cRow = cRow
    self.rows = rows
    self.columns = columns
    self.a = a
    self.b = b
    self.depth = depth
    self.accumulate = accumulate
    self.epilogue = epilogue
    self.memory = memory
    packing = Packing(memory.kernels, memory.precision)
    let isSingle = packing.format == .single
    self.isInPanels = isInPanels
    packs = !isInPanels && (!isSingle || b.column != 1 || rows > 2 * packing.tileRows)
    if isAlone {
      grid = ProductGrid(
        rows: rows, columns: columns, words: packing.format.words(depth), tileRows: packing.tileRows,
        tileColumns: packing.panel)
      return
    }
    grid = ProductGrid(
      rows: rows, columns: columns, words: packing.format.words(depth), tileRows: packing.tileRows,
      tileColumns: packing.panel,
      packing: ProductGrid.PackingCost(
        panelWord: !packs ? 0 : b.column != 1 ? 12 : isSingle ? 4 : 8,
        stripWord: a.column != 1 ? isSingle ? 2 : 4 : isSingle ? 0 : 3), threads: memory.pool.threads,
      splitsRows: a.column == 1)
  }

  /// Floats that a thread packs into.
  static let scratch = ProductGrid.mostPackedWords + PackingRoom.count(depth: ProductGrid.longestStep) + 64

  func callAsFunction(_ part: Int, thread: Int) {
    let firstRow = part / grid.blockColumns * grid.rowsPerBlock
    let firstColumn = part % grid.blockColumns * grid.columnsPerBlock
    let rowRange = firstRow..<min(rows, firstRow + grid.rowsPerBlock)
    let columnRange = firstColumn..<min(columns, firstColumn + grid.columnsPerBlock)
    var scratch = memory.scratch(thread)
    let packed = unsafe memory.pointer(scratch.take(1, ProductGrid.mostPackedWords))
    let room = unsafe PackingRoom(
      memory.pointer(scratch.take(1, PackingRoom.count(depth: ProductGrid.longestStep))), depth: ProductGrid.longestStep
    )
    let perStep = grid.wordsPerStep * (packing.format == .pairs ? 2 : 1)
    for step in 0..<grid.steps {
      let depths = step * perStep..<max(step * perStep, min(depth, (step + 1) * perStep))
      unsafe multiply(
        rowRange, columnRange, depths, accumulate: accumulate || step > 0, isLast: step == grid.steps - 1, packed, room)
    }
  }

  /// One step of the depth for one block of c, and after the last the epilogue, strip by strip.
  private func multiply(
    _ rowRange: Range<Int>, _ columnRange: Range<Int>, _ depths: Range<Int>, accumulate: Bool, isLast: Bool,
    _ packed: UnsafeMutablePointer<Float>, _ room: PackingRoom
  ) {
    let words = packing.format.words(depths.count), panel = packing.panel
    if packs { unsafe packing.right(b, columnRange, depths, into: packed, room) }
    let rightRow = packs ? panel : isInPanels ? PackedMatrix.panel : b.row, panelLength = packs ? panel * words : panel
    let first =
      unsafe packs
      ? UnsafePointer(packed) : isInPanels ? b.base : b.at(depths.lowerBound, columnRange.lowerBound)
    for row in stride(from: rowRange.lowerBound, to: rowRange.upperBound, by: packing.tileRows) {
      let height = min(packing.tileRows, rowRange.upperBound - row)
      let left = packing.left(a, row..<row + height, depths, isNear: false, room)
      var right = unsafe first
      var target = unsafe c + row * cRow + columnRange.lowerBound
      for column in stride(from: columnRange.lowerBound, to: columnRange.upperBound, by: panel) {
        if isInPanels { unsafe right = inPanels(depths.lowerBound, column) }
        unsafe packing.tile(
          (height, min(panel, columnRange.upperBound - column), words), left, (right, rightRow), into: (target, cRow),
          accumulate: accumulate)
        unsafe right += panelLength
        unsafe target += panel
      }
      if isLast { finish(row..<row + height, columnRange) }
    }
  }

  private func inPanels(_ k: Int, _ column: Int) -> UnsafePointer<Float> {
    let panel = PackedMatrix.panel
    return unsafe b.base + column / panel * panel * depth + k * panel + column % panel
  }

  private func finish(_ rowRange: Range<Int>, _ columnRange: Range<Int>) {
    let table = unsafe memory.kernels.table, n = columnRange.count, first = columnRange.lowerBound
    switch epilogue {
    case .none: break
    case .bias(let bias):
      let bias = unsafe memory.pointer(bias) + first
      for row in rowRange { unsafe table.pointee.add(c + row * cRow + first, bias, n) }
    case .activation(let activation, let bias, let into):
      let bias = unsafe bias.map { unsafe memory.pointer($0) + first }, activated = unsafe memory.pointer(into) + first
      let functions = memory.kernels.functions(activation)
      for row in rowRange {
        if let bias = unsafe bias { unsafe table.pointee.add(c + row * cRow + first, bias, n) }
        unsafe functions.forward(activated + row * into.stride, c + row * cRow + first, n)
      }
    case .activationBackward(let activation, let at):
      let before = unsafe memory.pointer(at) + first
      let functions = memory.kernels.functions(activation)
      for row in rowRange { unsafe functions.backward(c + row * cRow + first, before + row * at.stride, n) }
    case .gate(let activation, let bias, let times, let into):
      let bias = unsafe bias.map { unsafe memory.pointer($0) + first }, gated = unsafe memory.pointer(into) + first
      let factor = unsafe memory.pointer(times) + first
      let functions = memory.kernels.functions(activation)
      for row in rowRange {
        if let bias = unsafe bias { unsafe table.pointee.add(c + row * cRow + first, bias, n) }
        unsafe functions.gate(
          gated + row * into.stride, c + row * cRow + first, factor + row * times.stride, n)
      }
    case .gateBackward(let activation, let at, let times, let gradient):
      let before = unsafe memory.pointer(at) + first, factor = unsafe memory.pointer(times) + first
      let dFactor = unsafe memory.pointer(gradient) + first
      let functions = memory.kernels.functions(activation)
      for row in rowRange {
        unsafe functions.gate_backward(
          c + row * cRow + first, dFactor + row * gradient.stride, before + row * at.stride,
          factor + row * times.stride, n)
      }
    }
  }
}
