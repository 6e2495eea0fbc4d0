internal import MiniGPTCKernels
internal import MiniGPTParallel

/// How fast all threads together read memory that no cache holds: the limit of generating text, where each weight is
/// read once a token.
package enum MemoryBandwidth {
  /// Bytes a second, the best of some passes over `bytes` bytes, in streams that are long enough to be foreseen.
  package static func measure(bytes: Int = 256 << 20, passes: Int = 3, on processor: Processor) -> Double {
    let arena = Arena(count: bytes / 4), parts = 2 * processor.pool.threads, width = 1 << 15
    let rows = bytes / 4 / width / parts, results = Arena(count: parts * rows + width)
    let work = unsafe ReadWork(
      base: arena.base, row: results.base + parts * rows, results: results.base, rows: rows, width: width,
      kernels: processor.kernels)
    unsafe arena.base.update(repeating: 0.5, count: arena.count)
    var best = Duration.seconds(1_000_000)
    for _ in 0..<passes {
      best = min(best, ContinuousClock().measure { processor.pool.run(parts, work) })
    }
    let seconds = Double(best.components.seconds) + Double(best.components.attoseconds) * 1e-18
    return Double(4 * parts * rows * width) / seconds
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
