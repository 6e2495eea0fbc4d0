internal import MiniGPTPlatform
package import MiniGPTStorage
package import MiniGPTTensors

/// A matrix `[rows, columns]` as a file of any format has it: in another number format, transposed, cut up, or in
/// another order. Nothing is read before it is asked for, and then a block at a time, so that memory stays small however
/// large the model is.
package struct FileMatrix: Sendable {
  package let rows: Int
  package let columns: Int
  private let form: Form

  private indirect enum Form: Sendable {
    /// Row by row in a map, from a byte on.
    case stored(MappedFile, Int, NumberFormat)
    /// Whole numbers, row by row in a map from a byte on, and where their scales are.
    case scaled(MappedFile, Int, scales: Int, alongRows: Bool)
    /// GGUF's Q8_0, row by row in a map from a byte on: of each 32 numbers a scale in half precision, then the whole
    /// numbers.
    case quantized(MappedFile, Int)
    /// Its Q4_0: then 16 bytes, the levels of the first half in their lower bits, those of the second in the upper ones.
    case inFourBits(MappedFile, Int)
    case transposed(FileMatrix)
    /// Some columns, from one on.
    case columns(FileMatrix, Int)
    /// Several, side by side.
    case beside([FileMatrix])
    /// Row i is the other's row order[i].
    case rowOrder(FileMatrix, [Int])
    case columnOrder(FileMatrix, [Int])
    case values([Float])
  }

  private init(_ rows: Int, _ columns: Int, _ form: Form) {
    self.rows = rows
    self.columns = columns
    self.form = form
  }

  /// The numbers of a map from the byte `offset` on; they must lie inside it.
  package init(_ map: MappedFile, offset: Int, _ type: NumberFormat, rows: Int, columns: Int) {
    check(
      type != .int8 && offset >= 0 && rows >= 0 && columns >= 0
        && offset + rows * columns * type.byteCount <= map.count,
      "[\(rows), \(columns)] at \(offset) in \(map.count) bytes")
    self.init(rows, columns, .stored(map, offset, type))
  }

  /// The whole numbers of a map from the byte `offset` on, with a scale for each 64 of a row or of a column.
  package init(_ map: MappedFile, offset: Int, scales: Int, alongRows: Bool, rows: Int, columns: Int) {
    let shape = Int8Blocks.scaleShape(rows: rows, columns: columns, alongRows: alongRows)
    check(
      offset >= 0 && scales >= 0 && offset + rows * columns <= map.count
        && scales + 4 * shape[0] * shape[1] <= map.count,
      "[\(rows), \(columns)] at \(offset), scales at \(scales), in \(map.count) bytes")
    self.init(rows, columns, .scaled(map, offset, scales: scales, alongRows: alongRows))
  }

  /// The numbers of a map in Q8_0, or in Q4_0 where they are int4, from the byte `offset` on; rows are multiples of 32.
  package init(quantized map: MappedFile, offset: Int, _ type: NumberFormat, rows: Int, columns: Int) {
    let group = type == .int8 ? 34 : Self.fourBitGroup
    check(
      offset >= 0 && rows >= 0 && columns >= 0 && columns % 32 == 0
        && offset + rows * columns / 32 * group <= map.count,
      "[\(rows), \(columns)] in groups of 32 at \(offset) in \(map.count) bytes")
    self.init(rows, columns, type == .int8 ? .quantized(map, offset) : .inFourBits(map, offset))
  }

  /// Bytes of 32 numbers in Q4_0.
  private static let fourBitGroup = 18

  /// Numbers that are made, not read.
  package init(rows: Int, columns: Int, _ values: [Float]) {
    check(values.count == rows * columns, "\(values.count) values for [\(rows), \(columns)]")
    self.init(rows, columns, .values(values))
  }

  package var transposed: FileMatrix { FileMatrix(columns, rows, .transposed(self)) }

  package func columns(_ range: Range<Int>) -> FileMatrix {
    check(range.lowerBound >= 0 && range.upperBound <= columns, "columns \(range) of \(columns)")
    return FileMatrix(rows, range.count, .columns(self, range.lowerBound))
  }

  package static func beside(_ parts: [FileMatrix]) -> FileMatrix {
    check(Set(parts.map(\.rows)).count == 1, "matrices of different heights side by side")
    return FileMatrix(parts[0].rows, parts.reduce(0) { $0 + $1.columns }, .beside(parts))
  }

  /// The rows in another order; nil leaves them.
  package func rowOrder(_ order: [Int]?) -> FileMatrix {
    guard let order else { return self }
    check(order.count == rows, "an order of \(order.count) for \(rows) rows")
    return FileMatrix(rows, columns, .rowOrder(self, order))
  }

  package func columnOrder(_ order: [Int]?) -> FileMatrix {
    guard let order else { return self }
    check(order.count == columns, "an order of \(order.count) for \(columns) columns")
    return FileMatrix(rows, columns, .columnOrder(self, order))
  }

  /// Puts a part of the matrix into a block: its first number at `place`, `stride` numbers from row to row.
  package func read(
    rows: Range<Int>, columns: Range<Int>, into block: inout [Float], at place: Int = 0, stride: Int
  ) {
    switch form {
    case .stored(let map, let offset, let type):
      for (line, row) in rows.enumerated() {
        let start = offset + (row * self.columns + columns.lowerBound) * type.byteCount
        let bytes = map.bytes.extracting(start..<start + columns.count * type.byteCount)
        type.decode(bytes, into: &block, at: place + line * stride)
      }
    case .scaled(let map, let offset, let scales, let alongRows):
      let bytes = map.bytes, size = NumberFormat.block, perRow = (self.columns + size - 1) / size
      for (line, row) in rows.enumerated() {
        for column in columns {
          let scale = alongRows ? row * perRow + column / size : row / size * self.columns + column
          let number = Int8(bitPattern: bytes.load(UInt8.self, at: offset + row * self.columns + column))
          block[place + line * stride + column - columns.lowerBound] =
            Float(number) * bytes.load(Float.self, at: scales + 4 * scale)
        }
      }
    case .quantized(let map, let offset):
      let bytes = map.bytes
      for (line, row) in rows.enumerated() {
        for column in columns {
          let start = offset + (row * self.columns + column) / 32 * 34
          let number = Int8(bitPattern: bytes.load(UInt8.self, at: start + 2 + column % 32))
          block[place + line * stride + column - columns.lowerBound] =
            Float(number) * ShortFloat.float(f16: bytes.load(UInt16.self, at: start))
        }
      }
    case .inFourBits(let map, let offset):
      let bytes = map.bytes
      for (line, row) in rows.enumerated() {
        for column in columns {
          let start = offset + (row * self.columns + column) / 32 * Self.fourBitGroup, index = column % 32
          let both = bytes.load(UInt8.self, at: start + 2 + index % 16)
          let level = Int(index < 16 ? both & 15 : both >> 4) - 8
          block[place + line * stride + column - columns.lowerBound] =
            Float(level) * ShortFloat.float(f16: bytes.load(UInt16.self, at: start))
        }
      }
    case .transposed(let other):
      var transposed = [Float](repeating: 0, count: rows.count * columns.count)
      other.read(rows: columns, columns: rows, into: &transposed, stride: rows.count)
      for line in 0..<rows.count {
        for column in 0..<columns.count {
          block[place + line * stride + column] = transposed[column * rows.count + line]
        }
      }
    case .columns(let other, let first):
      let range = columns.lowerBound + first..<columns.upperBound + first
      other.read(rows: rows, columns: range, into: &block, at: place, stride: stride)
    case .beside(let parts):
      var start = 0
      for part in parts {
        let range = columns.clamped(to: start..<start + part.columns)
        if !range.isEmpty {
          part.read(
            rows: rows, columns: range.lowerBound - start..<range.upperBound - start, into: &block,
            at: place + range.lowerBound - columns.lowerBound, stride: stride)
        }
        start += part.columns
      }
    case .rowOrder(let other, let order):
      for (line, row) in rows.enumerated() {
        let from = order[row]
        other.read(rows: from..<from + 1, columns: columns, into: &block, at: place + line * stride, stride: stride)
      }
    case .columnOrder(let other, let order):
      guard let first = order[columns].min(), let last = order[columns].max() else { return }
      let width = last + 1 - first
      var span = [Float](repeating: 0, count: rows.count * width)
      other.read(rows: rows, columns: first..<last + 1, into: &span, stride: width)
      for line in 0..<rows.count {
        for column in columns {
          block[place + line * stride + column - columns.lowerBound] = span[line * width + order[column] - first]
        }
      }
    case .values(let values):
      for (line, row) in rows.enumerated() {
        for column in columns {
          block[place + line * stride + column - columns.lowerBound] = values[row * self.columns + column]
        }
      }
    }
  }

  /// Numbers in a block.
  private static let blockCount = 1 << 18

  /// Hands out all rows in order, some at a time, as floats row by row.
  package func forEachBlock<Failure: Error>(
    _ body: (_ rows: Range<Int>, _ numbers: ArraySlice<Float>) throws(Failure) -> Void
  ) throws(Failure) {
    if rows == 0 || columns == 0 { return }
    let height = max(1, min(rows, Self.blockCount / columns))
    var block = [Float](repeating: 0, count: height * columns)
    var start = 0
    while start < rows {
      let range = start..<min(rows, start + height)
      read(rows: range, columns: 0..<columns, into: &block, stride: columns)
      try body(range, block[..<(range.count * columns)])
      if case .stored(let map, let offset, let type) = form {
        map.advise(
          .dontNeed,
          offset + range.lowerBound * columns * type.byteCount..<offset + range.upperBound * columns * type.byteCount)
      }
      start = range.upperBound
    }
    letGo()
  }

  /// Hands out the bytes of all numbers in a type, row by row, in pieces.
  package func forEachPiece(as type: NumberFormat, _ body: (RawSpan) throws -> Void) throws {
    if case .stored(let map, let offset, let own) = form, own == type {
      let end = offset + rows * columns * type.byteCount
      for start in stride(from: offset, to: end, by: 1 << 22) {
        let range = start..<min(end, start + 1 << 22)
        try body(map.bytes.extracting(range))
        map.advise(.dontNeed, range)
      }
      return
    }
    var words: [UInt16] = []
    try forEachBlock { _, numbers in
      if type == .fp32 { return try body(numbers.span.rawBytes) }
      words.removeAll(keepingCapacity: true)
      if let number = type.encode(numbers, into: &words) { throw TooLarge(number: number, type: type.rawValue) }
      try body(words.rawBytes)
    }
  }

  /// A number that a type does not have.
  package struct TooLarge: Error {
    package let number: Float
    package let type: String

    package init(number: Float, type: String) {
      self.number = number
      self.type = type
    }
  }

  /// Some rows, all of them in memory at once.
  package func numbers(rows: Range<Int>) -> [Float] {
    var block = [Float](repeating: 0, count: rows.count * columns)
    read(rows: rows, columns: 0..<columns, into: &block, stride: columns)
    return block
  }

  /// Whether no number is further than that from the other matrix's.
  package func isNear(_ other: FileMatrix, _ distance: Float) -> Bool {
    if rows != other.rows || columns != other.columns { return false }
    return (0..<rows).allSatisfy { row in
      zip(numbers(rows: row..<row + 1), other.numbers(rows: row..<row + 1)).allSatisfy { abs($0 - $1) <= distance }
    }
  }

  /// Whether all numbers are those of another matrix, bit for bit.
  package func isEqual(to other: FileMatrix) -> Bool {
    if rows != other.rows || columns != other.columns { return false }
    var mine = [Float](repeating: 0, count: columns), its = mine
    for row in 0..<rows {
      read(rows: row..<row + 1, columns: 0..<columns, into: &mine, stride: columns)
      other.read(rows: row..<row + 1, columns: 0..<columns, into: &its, stride: columns)
      for column in 0..<columns where mine[column].bitPattern != its[column].bitPattern { return false }
    }
    return true
  }

  /// Whether all numbers, rounded to the other matrix's type, are those of the other, bit for bit.
  package func isRounded(in other: FileMatrix) -> Bool {
    guard case .stored(_, _, let type) = other.form, type != .fp32 else { return isEqual(to: other) }
    var block = [Float](repeating: 0, count: rows * columns), words: [UInt16] = []
    read(rows: 0..<rows, columns: 0..<columns, into: &block, stride: columns)
    if type.encode(block[...], into: &words) != nil { return false }
    type.decode(words.rawBytes, into: &block, at: 0)
    return FileMatrix(rows: rows, columns: columns, block).isEqual(to: other)
  }

  /// The whole matrix where it lies, if it lies as plain floats at a multiple of four: then nothing need be copied.
  var floatsInPlace: (map: MappedFile, range: Range<Int>)? {
    guard case .stored(let map, let offset, .fp32) = form, offset % 4 == 0 else { return nil }
    return (map, offset..<offset + 4 * rows * columns)
  }

  /// The system may take the pages of the file back.
  private func letGo() {
    switch form {
    case .stored(let map, let offset, let type):
      map.advise(.dontNeed, offset..<offset + rows * columns * type.byteCount)
    case .scaled(let map, let offset, _, _): map.advise(.dontNeed, offset..<offset + rows * columns)
    case .quantized(let map, let offset): map.advise(.dontNeed, offset..<offset + rows * columns / 32 * 34)
    case .inFourBits(let map, let offset):
      map.advise(.dontNeed, offset..<offset + rows * columns / 32 * Self.fourBitGroup)
    case .transposed(let other), .columns(let other, _), .rowOrder(let other, _), .columnOrder(let other, _):
      other.letGo()
    case .beside(let parts): for part in parts { part.letGo() }
    case .values: break
    }
  }
}
