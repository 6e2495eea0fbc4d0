package import MiniGPTParallel
internal import MiniGPTPlatform

/// What a part of a step does, for the question of where its time goes.
package enum WorkKind: Int, CaseIterable, Sendable {
  case product, attention, norm, activation, dropout, loss, embedding, optimizer, other
}

/// Seconds that passed in each kind of work; the caller's clock, so threads are not added up.
package struct TimeSplit: Sendable {
  private var seconds = [Double](repeating: 0, count: WorkKind.allCases.count)
  /// Operations of the matrix products: a multiplication and an addition are two.
  package internal(set) var productOperations = 0.0

  package init() {}

  package subscript(kind: WorkKind) -> Double { seconds[kind.rawValue] }

  mutating func add(_ kind: WorkKind, _ time: Double) { seconds[kind.rawValue] += time }
}

extension Memory {
  /// Runs a part of a step on all threads; where `timeSplit` is kept, its time is added there.
  package func run<Work: ParallelWork>(_ kind: WorkKind, _ parts: Int, _ work: Work) {
    if timeSplit == nil { return pool.run(parts, work) }
    let start = MonotonicTime.now
    pool.run(parts, work)
    timeSplit?.add(kind, MonotonicTime.now - start)
  }
}
