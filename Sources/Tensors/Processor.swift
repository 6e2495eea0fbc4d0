package import MiniGPTParallel

/// What a computation runs on: threads, the kernels of one instruction set, and the precision of its products.
package struct Processor: Sendable {
  package let pool: WorkerPool
  package let kernels: Kernels
  package let precision: Precision

  package init(_ pool: WorkerPool, _ kernels: Kernels, _ precision: Precision = .fp32) {
    self.pool = pool
    self.kernels = kernels
    self.precision = precision
  }

  /// Returns one thread and the plain kernels: for what is not worth more.
  package static func plain() -> Processor { Processor(WorkerPool(threads: 1), .portable) }

  /// Returns the same threads and kernels with products in another precision.
  package func with(_ precision: Precision) -> Processor { Processor(pool, kernels, precision) }
}
