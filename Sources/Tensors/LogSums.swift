internal import MiniGPTCKernels
internal import MiniGPTParallel
internal import MiniGPTPlatform

extension Memory {
  /// y[r] = log Σⱼ exp(x[r, j]), y `[N, 1]`; x is kept.
  package func logSums(_ y: Slot, _ x: Slot) {
    check(y.rows == x.rows && y.columns == 1, "log-sums of \(x) into \(y)")
    pool.run(
      x.rows,
      unsafe LogSumWork(y: pointer(y), yRow: y.stride, x: pointer(x), xRow: x.stride, columns: x.columns, memory: self))
  }
}

@safe private struct LogSumWork: ParallelWork {
  let y: UnsafeMutablePointer<Float>, yRow: Int
  let x: UnsafeMutablePointer<Float>, xRow: Int, columns: Int
  let memory: Memory

  /// Numbers whose exponentials are made at a time.
  private static let step = 4096

  func callAsFunction(_ part: Int, thread: Int) {
    let row = unsafe x + part * xRow, table = unsafe memory.kernels.table
    var planner = memory.scratch(thread)
    let copy = unsafe memory.pointer(planner.take(1, Self.step))
    let largest = unsafe table.pointee.maximum(row, columns)
    var sum = 0.0
    for first in stride(from: 0, to: columns, by: Self.step) {
      let count = min(Self.step, columns - first)
      unsafe copy.update(from: row + first, count: count)
      sum += unsafe Double(table.pointee.exponentials(copy, count, 1, largest))
    }
    unsafe y[part * yRow] = largest + Float(Double.log(sum))
  }
}
