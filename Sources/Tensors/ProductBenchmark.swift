internal import MiniGPTCKernels
package import MiniGPTParallel
internal import MiniGPTPlatform

/// How fast this machine multiplies: the limit, which is one tile on factors that lie in the first-level cache, and
/// whole products, beside it in the same moment.
package struct ProductBenchmark {
  package let kernels: Kernels
  package let pool: WorkerPool

  package init(kernels: Kernels, pool: WorkerPool) {
    self.kernels = kernels
    self.pool = pool
  }

  /// Operations a second of tiles alone, on all threads; nil where the kernels have none of that precision.
  package func limit(_ precision: Precision, seconds: Double = 0.1) -> Double? {
    if precision == .bf16 && !kernels.multipliesBFloat16 { return nil }
    let rows = precision == .bf16 ? kernels.tileRows16 : kernels.tileRows, columns = kernels.tileColumns
    let depth = 256, perCall = (precision == .bf16 ? 4.0 : 2.0) * Double(rows * columns * depth)
    let memory = Memory(MemoryPlan(), ParameterStorage(count: 0), on: Processor(pool, kernels))
    var calls = 64, best = 0.0
    let end = MonotonicTime.now + seconds
    repeat {
      let start = MonotonicTime.now
      pool.run(
        pool.threads,
        TileWork(memory: memory, pairs: precision == .bf16, rows: rows, columns: columns, depth: depth, calls: calls))
      let took = MonotonicTime.now - start
      best = max(best, Double(pool.threads * calls) * perCall / took)
      if took < 0.01 { calls *= 2 }
    } while MonotonicTime.now < end
    return best
  }

  /// Operations a second of a product `[M, K]` · `[K, N]`, either factor transposed where asked for.
  package func product(
    _ m: Int, _ k: Int, _ n: Int, transposed: (left: Bool, right: Bool), precision: Precision, seconds: Double = 0.1
  ) -> Double {
    var plan = MemoryPlan()
    let a = transposed.left ? plan.take(k, m) : plan.take(m, k)
    let b = transposed.right ? plan.take(n, k) : plan.take(k, n), c = plan.take(m, n)
    let memory = Memory(plan, ParameterStorage(count: 0), on: Processor(pool, kernels, precision))
    memory.fill(a, 0.5)
    memory.fill(b, 0.25)
    var best = 0.0
    let end = MonotonicTime.now + seconds
    repeat {
      let start = MonotonicTime.now
      memory.product(
        c, transposed.left ? a.transposed : a.plain, transposed.right ? b.transposed : b.plain)
      best = max(best, 2 * Double(m) * Double(k) * Double(n) / (MonotonicTime.now - start))
    } while MonotonicTime.now < end
    return best
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
