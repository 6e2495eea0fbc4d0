internal import MiniGPTParallel
internal import Synchronization

/// The weights of a model as generation reads them: packed, or where they lie in fp32 and may change.
package final class DecodingWeights: Sendable {
  package let type: NumberFormat
  private let packed: [Place: PackedMatrix]

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
  }

  /// Packs `matrices`, those that products read, piece by piece in the order in which they lie.
  ///
  /// - Parameters:
  ///   - logits: the matrix that makes the logits.
  ///   - stored: where the numbers of a slot are.
  ///   - ready: waits until rows can be read; false if they never can, and nothing more is packed.
  ///   - done: gets rows that are packed. Any thread of the pool calls the two.
  package init(
    _ matrices: [Operand], as type: NumberFormat, logits: Slot? = nil, on processor: Processor,
    stored: (Slot) -> StoredMatrix,
    ready: @escaping @Sendable (Slot) -> Bool = { _ in true }, done: @escaping @Sendable (Slot) -> Void = { _ in }
  ) {
    var packed: [Place: PackedMatrix] = [:], pieces: [PackingQueue.Piece] = []
    for matrix in matrices.sorted(by: { $0.slot.offset < $1.slot.offset }) {
      let source = stored(matrix.slot)
      let target = PackedMatrix(
        inputs: matrix.rows, outputs: matrix.columns, as: matrix.slot == logits ? type.ofLogits : type)
      packed[Place(matrix.slot)] = target
      for rows in PackedMatrix.pieces(of: source, transposed: matrix.isTransposed) {
        pieces.append(PackingQueue.Piece(matrix: matrix, rows: rows, source: source, target: target))
      }
    }
    self.type = type
    self.packed = packed
    let queue = PackingQueue(pieces: pieces, kernels: processor.kernels, ready: ready, done: done)
    processor.pool.run(processor.pool.threads, PackWork(queue: queue))
  }

  package func matrix(_ slot: Slot) -> PackedMatrix? { packed.isEmpty ? nil : packed[Place(slot)] }

  /// Bytes that were taken for packed weights.
  package var byteCount: Int { packed.values.reduce(0) { $0 + $1.byteCount } }
}

/// Pieces of matrices, taken in order by whichever thread is free: nobody waits for others at a matrix's end.
private final class PackingQueue: Sendable {
  struct Piece: Sendable {
    let matrix: Operand
    let rows: Range<Int>
    let source: StoredMatrix
    let target: PackedMatrix
  }

  private let pieces: [Piece]
  private let next = Atomic<Int>(0)
  private let kernels: Kernels
  private let ready: @Sendable (Slot) -> Bool
  private let done: @Sendable (Slot) -> Void

  init(
    pieces: [Piece], kernels: Kernels, ready: @escaping @Sendable (Slot) -> Bool,
    done: @escaping @Sendable (Slot) -> Void
  ) {
    self.pieces = pieces
    self.kernels = kernels
    self.ready = ready
    self.done = done
  }

  func work() {
    while true {
      let index = next.add(1, ordering: .relaxed).oldValue
      if index >= pieces.count { return }
      let piece = pieces[index], rows = piece.matrix.slot.rows(piece.rows)
      if !ready(rows) { return }
      piece.target.pack(
        piece.rows, of: piece.source, transposed: piece.matrix.isTransposed, kernels: kernels)
      done(rows)
    }
  }
}

private struct PackWork: ParallelWork {
  let queue: PackingQueue

  func callAsFunction(_ part: Int, thread: Int) { queue.work() }
}
