internal import CKernels
internal import Parallel
internal import Platform

extension Memory {
  /// y = xᵀ, for x `[M, N]` and y `[N, M]`.
  package func transpose(_ x: Slot, into y: Slot) {
    check(y.rows == x.columns && y.columns == x.rows, "\(x) turned round into \(y)")
    let strip = TransposeWork.strip
    pool.run(
      (x.rows + strip - 1) / strip,
      unsafe TransposeWork(
        y: pointer(y), yRow: y.stride, x: pointer(x), xRow: x.stride, rows: x.rows, columns: x.columns,
        kernels: kernels))
  }
}

@safe private struct TransposeWork: ParallelWork {
  let y: UnsafeMutablePointer<Float>, yRow: Int
  let x: UnsafeMutablePointer<Float>, xRow: Int
  let rows: Int, columns: Int
  let kernels: Kernels

  /// Rows of x that a part turns.
  static let strip = 256

  func callAsFunction(_ part: Int, thread: Int) {
    let first = part * Self.strip
    unsafe kernels.table.pointee.transpose(
      y + first, yRow, x + first * xRow, xRow, min(Self.strip, rows - first), columns)
  }
}
