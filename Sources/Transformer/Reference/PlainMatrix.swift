package import MiniGPTTensors

/// A matrix in an array, with the operations of the plain references: slow, obvious, for any real scalar.
package struct PlainMatrix<Scalar: Real>: Equatable {
  package let rows: Int
  package let columns: Int
  package var elements: [Scalar]

  package init(_ rows: Int, _ columns: Int, _ elements: [Scalar]) {
    self.rows = rows
    self.columns = columns
    self.elements = elements
  }

  package init(_ rows: Int, _ columns: Int, _ element: (Int, Int) -> Scalar = { _, _ in 0 }) {
    self.init(rows, columns, (0..<rows * columns).map { element($0 / columns, $0 % columns) })
  }

  package subscript(_ row: Int, _ column: Int) -> Scalar {
    get { elements[row * columns + column] }
    set { elements[row * columns + column] = newValue }
  }

  package var transposed: PlainMatrix { PlainMatrix(columns, rows) { self[$1, $0] } }

  package func row(_ row: Int) -> [Scalar] { Array(elements[row * columns..<(row + 1) * columns]) }

  package func rows(_ range: Range<Int>) -> PlainMatrix {
    PlainMatrix(range.count, columns, Array(elements[range.lowerBound * columns..<range.upperBound * columns]))
  }

  package func columns(_ range: Range<Int>) -> PlainMatrix {
    PlainMatrix(rows, range.count) { self[$0, range.lowerBound + $1] }
  }

  package func map(_ transform: (Scalar) -> Scalar) -> PlainMatrix {
    PlainMatrix(rows, columns, elements.map(transform))
  }

  @_specialize(where Scalar == Double)
  package static func * (a: PlainMatrix, b: PlainMatrix) -> PlainMatrix {
    var c = PlainMatrix(a.rows, b.columns, [Scalar](repeating: 0, count: a.rows * b.columns))
    for i in 0..<a.rows {
      for j in 0..<b.columns {
        for k in 0..<a.columns { c[i, j] += a[i, k] * b[k, j] }
      }
    }
    return c
  }

  package static func + (a: PlainMatrix, b: PlainMatrix) -> PlainMatrix {
    PlainMatrix(a.rows, a.columns) { a[$0, $1] + b[$0, $1] }
  }

  /// Every row plus the same bias.
  package func adding(row bias: [Scalar]) -> PlainMatrix { PlainMatrix(rows, columns) { self[$0, $1] + bias[$1] } }
}

/// The parameters of a reference by name, in any precision.
package struct PlainParameters<Scalar: Real> {
  package var matrices: [String: PlainMatrix<Scalar>]

  package init(_ matrices: [String: PlainMatrix<Scalar>]) { self.matrices = matrices }

  /// Those of a memory.
  package init(_ layout: ParameterLayout, in memory: Memory, region: Region = .parameters) {
    matrices = [:]
    for parameter in layout.parameters {
      let slot = parameter.slot.at(region)
      matrices[parameter.name] = PlainMatrix(slot.rows, slot.columns, memory.read(slot).map { Scalar($0) })
    }
  }

  /// Those whose names begin so, under the rest of their names.
  package func part(_ prefix: String) -> PlainParameters {
    let own = matrices.filter { $0.key.hasPrefix(prefix + ".") }
    return PlainParameters(
      Dictionary(own.map { (String($0.key.dropFirst(prefix.count + 1)), $0.value) }) { first, _ in first })
  }

  package func matrix(_ name: String) -> PlainMatrix<Scalar> { matrices[name] ?? PlainMatrix(0, 0) }
  package func row(_ name: String) -> [Scalar] { matrix(name).elements }
}
