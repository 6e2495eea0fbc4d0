internal import MiniGPTStorage
internal import MiniGPTTensors

/// A matrix as whole numbers and scales, for files: w = q · scale, q from -127 to 127, a scale for each 64 numbers of a
/// column, or of a row: those that a product adds up.
package struct Int8Blocks {
  package let alongRows: Bool

  package init(alongRows: Bool) { self.alongRows = alongRows }

  static let block = NumberFormat.block

  /// The tensor with the scales of another.
  package static func scalesName(_ name: String) -> String { name + ".scales" }

  /// The shape of the scales of `[rows, columns]`.
  package static func scaleShape(rows: Int, columns: Int, alongRows: Bool) -> [Int] {
    alongRows ? [rows, (columns + block - 1) / block] : [(rows + block - 1) / block, columns]
  }

  /// Hands out the numbers of a matrix, some rows at a time, and returns the scales.
  package func quantize(_ matrix: FileMatrix, _ body: ([Int8]) throws -> Void) throws -> [Float] {
    var scales: [Float] = []
    let block = Self.block, columns = matrix.columns
    for start in stride(from: 0, to: matrix.rows, by: block) {
      let rows = start..<min(matrix.rows, start + block)
      var numbers = [Float](repeating: 0, count: rows.count * columns)
      matrix.read(rows: rows, columns: 0..<columns, into: &numbers, stride: columns)
      let own = alongRows ? scalesAlongRows(numbers, columns) : scalesAlongColumns(numbers, columns)
      let perRow = (columns + block - 1) / block
      try body(
        numbers.indices.map { index in
          let row = index / columns, column = index % columns
          let largest = own[alongRows ? row * perRow + column / block : column]
          return Int8(truncatingIfNeeded: Int8Rounding.nearest(numbers[index] * Int8Rounding.inverse(largest)))
        })
      scales += own.map { $0 * Int8Rounding.step }
    }
    return scales
  }

  /// The largest magnitude of each block of each row.
  private func scalesAlongRows(_ numbers: [Float], _ columns: Int) -> [Float] {
    var largest: [Float] = []
    for row in stride(from: 0, to: numbers.count, by: columns) {
      for start in stride(from: 0, to: columns, by: Self.block) {
        largest.append(numbers[row + start..<row + min(columns, start + Self.block)].reduce(0) { max($0, abs($1)) })
      }
    }
    return largest
  }

  /// The largest magnitude of each column.
  private func scalesAlongColumns(_ numbers: [Float], _ columns: Int) -> [Float] {
    var largest = [Float](repeating: 0, count: columns)
    for (index, number) in numbers.enumerated() {
      largest[index % columns] = max(largest[index % columns], abs(number))
    }
    return largest
  }
}

extension SafetensorsFile {
  /// The scales of a tensor in int8: in one of their two shapes.
  func scales(of tensor: SafetensorsTensor) throws(CheckpointError) -> SafetensorsTensor {
    let name = Int8Blocks.scalesName(tensor.name)
    guard let scales = header.tensor(name) else { throw .missingTensor(path, name) }
    let shapes = [false, true].map {
      Int8Blocks.scaleShape(rows: tensor.shape[0], columns: tensor.shape[1], alongRows: $0)
    }
    if scales.type != .f32 || !shapes.contains(scales.shape) {
      throw .wrongTensor(
        path, name, expected: "F32 \(shapes[0]) or \(shapes[1])", found: "\(scales.type.rawValue) \(scales.shape)")
    }
    return scales
  }

  /// A matrix in int8 whose scales were found.
  func scaledMatrix(_ tensor: SafetensorsTensor) -> FileMatrix? {
    guard tensor.type == .i8, let scales = header.tensor(Int8Blocks.scalesName(tensor.name)) else { return nil }
    let rows = tensor.shape[0], columns = tensor.shape[1]
    return FileMatrix(
      map, offset: tensor.range.lowerBound, scales: scales.range.lowerBound,
      alongRows: scales.shape == Int8Blocks.scaleShape(rows: rows, columns: columns, alongRows: true), rows: rows,
      columns: columns)
  }
}
