internal import MiniGPTCKernels
internal import MiniGPTParallel

// Work that is done only to be timed: what no product and no reading of memory can beat.

extension Memory {
  /// Multiplies the same tile of factors that stay in the first-level cache `calls` times on each thread. Returns the
  /// operations of all of it; nil where the kernels have none of that precision.
  package func multiplyTiles(_ precision: Precision, calls: Int) -> Double? {
    if precision == .bf16 && !kernels.multipliesBFloat16 { return nil }
    let rows = precision == .bf16 ? kernels.tileRows16 : kernels.tileRows, columns = kernels.tileColumns
    let depth = 256, perCall = (precision == .bf16 ? 4.0 : 2.0) * Double(rows * columns * depth)
    pool.run(
      pool.threads,
      TileWork(memory: self, pairs: precision == .bf16, rows: rows, columns: columns, depth: depth, calls: calls))
    return Double(pool.threads * calls) * perCall
  }
}

/// The same tile again and again.
private struct TileWork: ParallelWork {
  let memory: Memory
  let pairs: Bool
  let rows: Int
  let columns: Int
  let depth: Int
  let calls: Int

  func callAsFunction(_ part: Int, thread: Int) {
    var scratch = memory.scratch(part)
    let a = unsafe memory.pointer(scratch.take(rows, depth)), b = unsafe memory.pointer(scratch.take(depth, columns))
    let c = unsafe memory.pointer(scratch.take(rows, columns)), table = unsafe memory.kernels.table
    for _ in 0..<calls {
      if pairs {
        unsafe UnsafeRawPointer(a).withMemoryRebound(to: UInt32.self, capacity: 1) { x in
          unsafe UnsafeRawPointer(b).withMemoryRebound(to: UInt32.self, capacity: 1) { y in
            unsafe table.pointee.product16?(rows, columns, depth, x, depth, 1, y, columns, c, columns, 0)
          }
        }
      } else {
        unsafe table.pointee.product(rows, columns, depth, a, depth, 1, b, columns, c, columns, 0)
      }
    }
  }
}

/// Numbers that no cache holds, read by all threads in streams that are long enough to be foreseen.
package final class MemoryStreams {
  private let numbers: Arena
  private let results: Arena
  private let rows: Int
  private let parts: Int
  private let processor: Processor

  private static let width = 1 << 15

  package init(bytes: Int, on processor: Processor) {
    parts = 2 * processor.pool.threads
    rows = bytes / 4 / Self.width / parts
    numbers = Arena(count: bytes / 4)
    results = Arena(count: parts * rows + Self.width)
    self.processor = processor
    unsafe numbers.base.update(repeating: 0.5, count: numbers.count)
  }

  /// Reads all of them once. Returns the bytes that were read.
  package func read() -> Int {
    let work = unsafe ReadWork(
      base: numbers.base, row: results.base + parts * rows, results: results.base, rows: rows, width: Self.width,
      kernels: processor.kernels)
    processor.pool.run(parts, work)
    return 4 * parts * rows * Self.width
  }
}

@safe private struct ReadWork: ParallelWork {
  let base: UnsafeMutablePointer<Float>, row: UnsafeMutablePointer<Float>, results: UnsafeMutablePointer<Float>
  let rows: Int, width: Int
  let kernels: Kernels

  func callAsFunction(_ part: Int, thread: Int) {
    unsafe kernels.decoding.pointee.dots(
      1, rows, width, row, width, base + part * rows * width, width, results + part * rows, rows)
  }
}
