internal import MiniGPTPlatform

/// A matrix's place in one of the regions of a `Memory`: row-major, `stride` floats from row to row.
///
/// A slot owns nothing and may be copied freely; what it names is checked when it is used.
package struct Slot: Sendable, Equatable {
  package let region: Region
  package let offset: Int
  package let rows: Int
  package let columns: Int
  package let stride: Int

  package init(_ region: Region, offset: Int, rows: Int, columns: Int, stride: Int? = nil) {
    self.region = region
    self.offset = offset
    self.rows = rows
    self.columns = columns
    self.stride = stride ?? columns
  }

  /// How many floats it names.
  package var count: Int { rows * columns }

  /// The first place behind it.
  package var end: Int { rows == 0 || columns == 0 ? offset : offset + (rows - 1) * stride + columns }

  package var isContiguous: Bool { stride == columns || rows <= 1 }

  /// Some of its rows.
  package func rows(_ range: Range<Int>) -> Slot {
    check(range.lowerBound >= 0 && range.upperBound <= rows, "rows \(range) of \(self)")
    return Slot(region, offset: offset + range.lowerBound * stride, rows: range.count, columns: columns, stride: stride)
  }

  /// Its first rows: a planned place cut to what a batch needs.
  package func first(_ count: Int) -> Slot { rows(0..<count) }

  /// Some of its columns.
  package func columns(_ range: Range<Int>) -> Slot {
    check(range.lowerBound >= 0 && range.upperBound <= columns, "columns \(range) of \(self)")
    return Slot(region, offset: offset + range.lowerBound, rows: rows, columns: range.count, stride: stride)
  }

  /// The first `rows` × `columns` floats of its place as a matrix of another shape.
  package func shaped(_ rows: Int, _ columns: Int) -> Slot {
    check(rows * columns <= end - offset, "[\(rows), \(columns)] in the place of \(self)")
    return Slot(region, offset: offset, rows: rows, columns: columns)
  }

  /// The same place in another region: a parameter's gradient.
  package func at(_ region: Region) -> Slot {
    Slot(region, offset: offset, rows: rows, columns: columns, stride: stride)
  }

  /// The matrix read with rows and columns exchanged.
  package var transposed: Operand { Operand(slot: self, isTransposed: true) }
  package var plain: Operand { Operand(slot: self, isTransposed: false) }
}

extension Slot: CustomStringConvertible {
  package var description: String {
    "\(region)[\(rows), \(columns)] at \(offset)" + (isContiguous ? "" : ", stride \(stride)")
  }
}

/// A factor of a product: a slot as it is, or transposed.
package struct Operand: Sendable {
  package let slot: Slot
  package let isTransposed: Bool

  package func rows(_ range: Range<Int>) -> Operand {
    Operand(slot: isTransposed ? slot.columns(range) : slot.rows(range), isTransposed: isTransposed)
  }

  package func columns(_ range: Range<Int>) -> Operand {
    Operand(slot: isTransposed ? slot.rows(range) : slot.columns(range), isTransposed: isTransposed)
  }

  package var rows: Int { isTransposed ? slot.columns : slot.rows }
  package var columns: Int { isTransposed ? slot.rows : slot.columns }
}

/// The parts of a `Memory`. Gradients are laid out as the parameters are.
package enum Region: Int, Sendable, CaseIterable {
  case parameters, gradients, optimizer, activations, scratch
}

extension MemoryPlan {
  /// Takes what an optimizer keeps of a parameter, a number for each of its elements, such as a moment.
  package mutating func takeState(like parameter: Slot) -> Slot {
    defer { optimizer += (parameter.count + 15) / 16 * 16 }
    return Slot(.optimizer, offset: optimizer, rows: parameter.rows, columns: parameter.columns)
  }
}

/// A list's place among the token ids of a `Memory`.
package struct IndexSlot: Sendable, Equatable {
  package let offset: Int
  package let count: Int

  package init(offset: Int, count: Int) {
    self.offset = offset
    self.count = count
  }

  package func range(_ range: Range<Int>) -> IndexSlot {
    check(range.lowerBound >= 0 && range.upperBound <= count, "ids \(range) of \(self)")
    return IndexSlot(offset: offset + range.lowerBound, count: range.count)
  }
}

extension IndexSlot: CustomStringConvertible {
  package var description: String { "ids \(offset)..<\(offset + count)" }
}
