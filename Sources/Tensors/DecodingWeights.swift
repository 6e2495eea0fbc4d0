package import Parallel

/// The weights of a model as generation reads them: packed, or where they lie in fp32 and may change.
package final class DecodingWeights: Sendable {
  package let type: WeightType
  private let packed: [Place: PackedMatrix]
  /// Tables whose rows are looked up, where they are not among the parameters.
  private let tables: [Place: StoredMatrix]

  private struct Place: Hashable {
    let offset: Int, rows: Int, columns: Int

    init(_ slot: Slot) {
      offset = slot.offset
      rows = slot.rows
      columns = slot.columns
    }
  }

  /// All in fp32, where they lie.
  package static let inPlace = DecodingWeights()

  private init() {
    type = .fp32
    packed = [:]
    tables = [:]
  }

  /// Packs `matrices`, those that products read: `stored` says where the numbers of a slot are, `done` that they were
  /// read.
  package init<Failure: Error>(
    _ matrices: [Operand], as type: WeightType, tables: [Slot] = [], pool: WorkerPool, kernels: Kernels,
    stored: (Slot) throws(Failure) -> StoredMatrix, done: (Slot) -> Void = { _ in }
  ) throws(Failure) {
    var packed: [Place: PackedMatrix] = [:], rows: [Place: StoredMatrix] = [:]
    for table in tables { rows[Place(table)] = try stored(table) }
    for matrix in matrices {
      let source = try stored(matrix.slot)
      packed[Place(matrix.slot)] = PackedMatrix(
        source, transposed: matrix.isTransposed, as: type, pool: pool, kernels: kernels,
        done: { rows in done(matrix.slot.rows(rows)) })
    }
    self.type = type
    self.packed = packed
    self.tables = rows
  }

  package func matrix(_ slot: Slot) -> PackedMatrix? { packed.isEmpty ? nil : packed[Place(slot)] }

  /// The rows of a table.
  package func table(_ slot: Slot, of parameters: ParameterStorage) -> StoredMatrix {
    tables[Place(slot)] ?? StoredMatrix(slot, of: parameters)
  }

  /// Bytes that were taken for packed weights.
  package var byteCount: Int { packed.values.reduce(0) { $0 + $1.byteCount } }
}
