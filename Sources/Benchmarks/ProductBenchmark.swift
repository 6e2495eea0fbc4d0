package import MiniGPTParallel
internal import MiniGPTPlatform
package import MiniGPTTensors

/// How fast this machine multiplies: the limit, which is one tile on factors that stay in the first-level cache, and
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
    let memory = Memory(MemoryPlan(), ParameterStorage(count: 0), on: Processor(pool, kernels))
    var calls = 64, best = 0.0
    let end = MonotonicTime.now + seconds
    repeat {
      let start = MonotonicTime.now
      guard let operations = memory.multiplyTiles(precision, calls: calls) else { return nil }
      let took = MonotonicTime.now - start
      best = max(best, operations / took)
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
