internal import MiniGPTCKernels
internal import MiniGPTParallel
internal import MiniGPTPlatform

/// What follows a product of few rows while the columns of a part are at hand.
package struct DecodingEpilogue: Sendable {
  /// Added to each row.
  package var bias: Slot?
  package var activation: Activation?
  /// y += instead of y =: a residual.
  package var adds: Bool

  package init(bias: Slot? = nil, activation: Activation? = nil, adds: Bool = false) {
    self.bias = bias
    self.activation = activation
    self.adds = adds
  }
}

extension Memory {
  /// Most columns of a part, and rows whose sums wait in a thread's scratch memory.
  static let decodingColumns = 4096
  static let decodingRows = 16
  static let decodingScratch = decodingColumns * decodingRows

  /// Floats for a row of inputs in the type of the weights, see `decodingProduct`.
  package static func decodingInputs(_ inputs: Int) -> Int {
    let block = NumberFormat.block, blocks = (inputs + block - 1) / block
    return (max(inputs + 1, blocks * (block / 4 + 3)) + 15) / 16 * 16
  }

  /// y = x · w, or y += x · w, with bias and activation; w `[K, N]`, a parameter or, packed, its stand-in.
  ///
  /// Each weight is read once for all rows. The bits of a row depend on the row and w alone, not on how many rows there
  /// are. `inputs` `[rows, decodingInputs(K)]` holds x in the type of the weights.
  package func decodingProduct(
    _ y: Slot, _ x: Slot, _ w: Operand, _ weights: DecodingWeights,
    then epilogue: DecodingEpilogue = DecodingEpilogue(),
    inputs: Slot
  ) {
    let packed = weights.matrix(w.slot)
    check(
      x.rows == y.rows && x.columns == w.rows && y.columns == w.columns && inputs.rows >= x.rows
        && inputs.columns >= Self.decodingInputs(x.columns) && inputs.isContiguous
        && (packed.map { $0.inputs == w.rows && $0.outputs == w.columns } ?? true)
        && (epilogue.bias.map { $0.count == y.columns } ?? true),
      "\(y) from \(x) and [\(w.rows), \(w.columns)]")
    if y.count == 0 { return }
    if let packed, packed.type != .fp32 && packed.type != .f16 {
      let convert = unsafe InputWork(
        type: packed.type, x: pointer(x), xRow: x.stride, depth: x.columns,
        inputs: UnsafeMutableRawPointer(pointer(inputs)), rows: x.rows, kernels: kernels)
      if x.rows < 16 {
        for row in 0..<x.rows { convert(row, thread: 0) }
      } else {
        pool.run(x.rows, convert)
      }
    }
    let unit = PackedMatrix.panel, units = (y.columns + unit - 1) / unit
    // Rows of w that lie where they lie are read in long pieces: a part for each thread. What is packed or transposed is
    // one stream whatever the parts, and more of them share out the work better, until they are too narrow to be quick.
    let bytes = packed?.byteCount ?? 4 * w.rows * w.columns, isOneStream = packed != nil || w.isTransposed
    let partsPerThread = isOneStream && bytes > 1 << 20 ? min(max(4, (bytes >> 18) / pool.threads), 16) : 1
    let parts = pool.threads * partsPerThread
    let columnsPerPart = min((units + parts - 1) / parts * unit, Self.decodingColumns)
    let work = unsafe DecodingWork(
      y: pointer(y), yRow: y.stride, rows: y.rows, columns: y.columns, x: pointer(x), xRow: x.stride,
      depth: x.columns, inputs: UnsafeMutableRawPointer(pointer(inputs)), packed: packed?.panels, w: pointer(w.slot),
      wRow: w.slot.stride, isTransposed: w.isTransposed, bias: epilogue.bias.map { unsafe pointer($0) },
      activation: epilogue.activation, adds: epilogue.adds, columnsPerPart: columnsPerPart, kernels: kernels,
      scratch: scratch(ofFloats: Self.decodingScratch))
    withExtendedLifetime(packed) { pool.run((y.columns + columnsPerPart - 1) / columnsPerPart, work) }
  }
}

/// Where a row of inputs lies in the type of the weights: bf16 row by row; int8, which int4 takes too, all rows, then
/// scales, then sums.
@safe private struct InputWork: ParallelWork {
  let type: NumberFormat
  let x: UnsafeMutablePointer<Float>, xRow: Int, depth: Int
  let inputs: UnsafeMutableRawPointer
  let rows: Int
  let kernels: Kernels

  func callAsFunction(_ row: Int, thread: Int) {
    let source = unsafe x + row * xRow
    switch type {
    case .fp32, .f16: break
    case .bf16:
      let even = (depth + 1) / 2 * 2, target = unsafe inputs.assumingMemoryBound(to: UInt16.self) + row * even
      unsafe kernels.decoding.pointee.to_bf16(target, source, depth)
      if even > depth { unsafe target[depth] = 0 }
    case .int8, .int4:
      let places = Int8Inputs(rows: rows, depth: depth), blocks = places.blocks
      unsafe kernels.decoding.pointee.quantize(
        (inputs + row * blocks * PackedMatrix.block).assumingMemoryBound(to: Int8.self),
        (inputs + places.scales).assumingMemoryBound(to: Float.self) + row * blocks,
        (inputs + places.sums).assumingMemoryBound(to: Int32.self) + 2 * row * blocks, source, depth)
    }
  }
}

/// Byte offsets of the parts of quantized inputs.
private struct Int8Inputs {
  let blocks: Int
  let scales: Int
  let sums: Int

  init(rows: Int, depth: Int) {
    blocks = (depth + PackedMatrix.block - 1) / PackedMatrix.block
    scales = rows * blocks * PackedMatrix.block
    sums = scales + 4 * rows * blocks
  }
}

@safe private struct DecodingWork: ParallelWork {
  let y: UnsafeMutablePointer<Float>, yRow: Int, rows: Int, columns: Int
  let x: UnsafeMutablePointer<Float>, xRow: Int, depth: Int
  let inputs: UnsafeMutableRawPointer
  let packed: PackedPanels?
  let w: UnsafeMutablePointer<Float>, wRow: Int, isTransposed: Bool
  let bias: UnsafeMutablePointer<Float>?, activation: Activation?, adds: Bool
  let columnsPerPart: Int
  let kernels: Kernels
  let scratch: ThreadScratch

  func callAsFunction(_ part: Int, thread: Int) {
    let first = part * columnsPerPart, n = min(columnsPerPart, columns - first)
    if !adds {
      unsafe multiply(0..<rows, first, n, into: y + first, yRow)
      for row in 0..<rows { unsafe finish(y + row * yRow + first, first, n) }
      return
    }
    let sums = unsafe scratch.pointer(thread)  // [decodingRows, columnsPerPart]
    for start in stride(from: 0, to: rows, by: Memory.decodingRows) {
      let group = start..<min(rows, start + Memory.decodingRows)
      unsafe multiply(group, first, n, into: sums, columnsPerPart)
      for row in group {
        let line = unsafe sums + (row - start) * columnsPerPart
        unsafe finish(line, first, n)
        unsafe kernels.table.pointee.add(y + row * yRow + first, line, n)
      }
    }
  }

  private func finish(_ line: UnsafeMutablePointer<Float>, _ first: Int, _ n: Int) {
    let table = unsafe kernels.table
    if let bias = unsafe bias { unsafe table.pointee.add(line, bias + first, n) }
    if let activation { unsafe kernels.functions(activation).forward(line, line, n) }
  }

  private func multiply(
    _ group: Range<Int>, _ first: Int, _ n: Int, into out: UnsafeMutablePointer<Float>, _ outRow: Int
  ) {
    let table = unsafe kernels.decoding, start = group.lowerBound, count = group.count
    let lines = unsafe x + start * xRow
    guard let packed else {
      if isTransposed {
        unsafe table.pointee.dots(count, n, depth, lines, xRow, w + first * wRow, wRow, out, outRow)
      } else {
        unsafe table.pointee.rows_product(count, n, depth, lines, xRow, w + first, wRow, out, outRow)
      }
      return
    }
    let weights = unsafe packed.panel(first / PackedMatrix.panel)
    switch packed.type {
    case .fp32:
      unsafe table.pointee.product_fp32(
        count, n, depth, lines, xRow, weights.assumingMemoryBound(to: Float.self), out, outRow)
    case .bf16:
      let even = (depth + 1) / 2 * 2
      unsafe table.pointee.product_bf16(
        count, n, depth, inputs.assumingMemoryBound(to: UInt16.self) + start * even, even,
        weights.assumingMemoryBound(to: UInt16.self), out, outRow)
    case .f16:
      unsafe table.pointee.product_f16(
        count, n, depth, lines, xRow, weights.assumingMemoryBound(to: UInt16.self), out, outRow)
    case .int8, .int4:
      let places = Int8Inputs(rows: rows, depth: depth), blocks = places.blocks
      let product = unsafe packed.type == .int8 ? table.pointee.product_int8 : table.pointee.product_int4
      unsafe product(
        count, n, blocks, (inputs + start * blocks * PackedMatrix.block).assumingMemoryBound(to: Int8.self),
        (inputs + places.scales).assumingMemoryBound(to: Float.self) + start * blocks,
        (inputs + places.sums).assumingMemoryBound(to: Int32.self) + 2 * start * blocks,
        weights.assumingMemoryBound(to: UInt8.self), out, outRow)
    }
  }
}
