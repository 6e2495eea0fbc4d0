internal import MiniGPTCKernels
internal import MiniGPTPlatform

/// A matrix among the parameters, wherever they are stored: read row by row.
///
/// Unchecked: never written while it is used; `owner` keeps the numbers where they are.
@safe package struct StoredMatrix: @unchecked Sendable {
  package let rows: Int
  package let columns: Int
  private let base: UnsafePointer<Float>
  private let owner: AnyObject

  package init(_ slot: Slot, of parameters: ParameterStorage) {
    check(slot.region == .parameters && slot.isContiguous && slot.end <= parameters.count, "\(slot) as stored")
    rows = slot.rows
    columns = slot.columns
    unsafe base = UnsafePointer(parameters.base + slot.offset)
    owner = parameters
  }

  /// Copies some columns of a row.
  func read(_ row: Int, _ range: Range<Int>, into target: UnsafeMutablePointer<Float>) {
    check(row >= 0 && row < rows && range.lowerBound >= 0 && range.upperBound <= columns, "row \(row), \(range)")
    unsafe target.update(from: base + row * columns + range.lowerBound, count: range.count)
  }

  /// Copies some columns of some rows, `stride` floats from row to row.
  func read(_ lines: Range<Int>, _ range: Range<Int>, into target: UnsafeMutablePointer<Float>, stride: Int) {
    for (index, row) in lines.enumerated() { unsafe read(row, range, into: target + index * stride) }
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
