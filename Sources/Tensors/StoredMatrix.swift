internal import MiniGPTCKernels
internal import MiniGPTPlatform

/// A matrix where it lies in a file or in memory, in any type of weights, at any address: read row by row as floats.
///
/// Unchecked: never written while it is used; `owner` keeps the bytes where they are.
@safe package struct StoredMatrix: @unchecked Sendable {
  package let type: WeightType
  package let rows: Int
  package let columns: Int
  /// int8: whether a scale serves 64 numbers of a row; otherwise it serves 64 rows of a column.
  package let scalesRunAlongRows: Bool
  private let base: UnsafeRawPointer
  private let scales: UnsafeRawPointer?
  private let owner: AnyObject

  /// How many scales an int8 matrix has.
  package static func scaleShape(rows: Int, columns: Int, alongRows: Bool) -> [Int] {
    let block = WeightType.block
    return alongRows ? [rows, (columns + block - 1) / block] : [(rows + block - 1) / block, columns]
  }

  package static func byteCount(_ type: WeightType, rows: Int, columns: Int) -> Int {
    switch type {
    case .fp32: 4 * rows * columns
    case .bf16, .f16: 2 * rows * columns
    case .int8: rows * columns
    }
  }

  /// `bytes` are the numbers, row by row; `scales`, for int8 alone, floats in the shape of `scaleShape`.
  package init(
    viewing bytes: RawSpan, _ type: WeightType, rows: Int, columns: Int, scales: RawSpan? = nil,
    scalesRunAlongRows: Bool = false, keptBy owner: AnyObject
  ) {
    check(bytes.byteCount == Self.byteCount(type, rows: rows, columns: columns), "[\(rows), \(columns)] of \(type)")
    if type == .int8 {
      let shape = Self.scaleShape(rows: rows, columns: columns, alongRows: scalesRunAlongRows)
      check(scales?.byteCount == 4 * shape[0] * shape[1], "scales of [\(rows), \(columns)]")
    }
    self.type = type
    self.rows = rows
    self.columns = columns
    self.scalesRunAlongRows = scalesRunAlongRows
    let start = unsafe bytes.withUnsafeBytes { $0.baseAddress }
    if let start = unsafe start {
      unsafe base = start
    } else {
      unsafe base = UnsafeRawPointer(bitPattern: 64).unsafelyUnwrapped
    }
    let scaleStart = unsafe scales?.withUnsafeBytes { $0.baseAddress }
    unsafe self.scales = scaleStart
    self.owner = owner
  }

  /// A matrix of fp32 among the parameters.
  package init(_ slot: Slot, of parameters: ParameterStorage) {
    check(slot.region == .parameters && slot.isContiguous && slot.end <= parameters.count, "\(slot) as stored")
    type = .fp32
    rows = slot.rows
    columns = slot.columns
    scalesRunAlongRows = false
    unsafe base = UnsafeRawPointer(parameters.base + slot.offset)
    unsafe scales = nil
    owner = parameters
  }

  /// Some columns of a row, as floats.
  func read(_ row: Int, _ range: Range<Int>, into target: UnsafeMutablePointer<Float>) {
    check(row >= 0 && row < rows && range.lowerBound >= 0 && range.upperBound <= columns, "row \(row), \(range)")
    let start = row * columns + range.lowerBound, count = range.count
    switch type {
    case .fp32: unsafe UnsafeMutableRawPointer(target).copyMemory(from: base + 4 * start, byteCount: 4 * count)
    case .bf16:
      for j in 0..<count {
        unsafe target[j] = ShortFloat.float(
          bf16: base.loadUnaligned(fromByteOffset: 2 * (start + j), as: UInt16.self))
      }
    case .f16:
      for j in 0..<count {
        unsafe target[j] = ShortFloat.float(f16: base.loadUnaligned(fromByteOffset: 2 * (start + j), as: UInt16.self))
      }
    case .int8: unsafe readScaled(row, range, into: target)
    }
  }

  /// Some columns of some rows, `stride` floats from row to row.
  func read(_ lines: Range<Int>, _ range: Range<Int>, into target: UnsafeMutablePointer<Float>, stride: Int) {
    for (index, row) in lines.enumerated() { unsafe read(row, range, into: target + index * stride) }
  }

  private func readScaled(_ row: Int, _ range: Range<Int>, into target: UnsafeMutablePointer<Float>) {
    guard let scales = unsafe scales else { return }
    let block = WeightType.block, perRow = (columns + block - 1) / block
    for j in range {
      let place = scalesRunAlongRows ? row * perRow + j / block : row / block * columns + j
      let scale = unsafe scales.loadUnaligned(fromByteOffset: 4 * place, as: Float.self)
      let number = unsafe base.loadUnaligned(fromByteOffset: row * columns + j, as: Int8.self)
      unsafe target[j - range.lowerBound] = Float(number) * scale
    }
  }

  /// A copy of a row, for tests and for whoever shows it.
  package func row(_ row: Int) -> [Float] {
    unsafe [Float](unsafeUninitializedCapacity: columns) { buffer, count in
      if let start = buffer.baseAddress { unsafe read(row, 0..<columns, into: start) }
      count = columns
    }
  }
}

extension Memory {
  /// x[i] = scale · table[ids[i]] + positions[places[i]], x `[N, C]`.
  package func lookUp(
    _ x: Slot, _ ids: IndexSlot, in table: StoredMatrix, scale: Float, positions: Slot?, at places: IndexSlot
  ) {
    check(
      ids.count == x.rows && places.count == x.rows && table.columns == x.columns
        && (positions?.columns ?? x.columns) == x.columns, "\(ids) of [\(table.rows), \(table.columns)] into \(x)")
    let target = unsafe pointer(x), ids = unsafe pointer(ids), places = unsafe pointer(places)
    for row in 0..<x.rows {
      let line = unsafe target + row * x.stride
      unsafe table.read(Int(ids[row]), 0..<x.columns, into: line)
      if scale != 1 { unsafe kernels.table.pointee.scale(line, scale, x.columns) }
      if let positions {
        let place = unsafe Int(places[row])
        check(place >= 0 && place < positions.rows, "position \(place) of \(positions)")
        unsafe kernels.table.pointee.add(line, pointer(positions) + place * positions.stride, x.columns)
      }
    }
  }
}
