import MiniGPTParallel
import Synchronization
import Testing

@Suite struct WorkerPoolTests {
  /// How many calls there were, and for which parts. No lock: ThreadSanitizer sees atomics, and `Mutex` it does not.
  final class Counts: Sendable {
    let calls = Atomic<Int>(0)
    let low = Atomic<UInt64>(0)
    let high = Atomic<UInt64>(0)
  }

  struct Count: ParallelWork {
    let counts: Counts
    func callAsFunction(_ part: Int, thread: Int) {
      counts.calls.add(1, ordering: .relaxed)
      if part < 64 {
        counts.low.bitwiseOr(1 << UInt64(part), ordering: .relaxed)
      } else {
        counts.high.bitwiseOr(1 << UInt64(part - 64), ordering: .relaxed)
      }
    }
  }

  @Test(arguments: [1, 2, 3, 5]) func everyPartRunsOnce(threads: Int) {
    let pool = WorkerPool(threads: threads)
    for parts in [0, 1, 2, 3, 7, 100] {
      let counts = Counts()
      pool.run(parts, Count(counts: counts))
      #expect(counts.calls.load(ordering: .relaxed) == parts)
      let low: UInt64 = parts >= 64 ? .max : (1 << UInt64(parts)) - 1
      #expect(counts.low.load(ordering: .relaxed) == low)
      #expect(counts.high.load(ordering: .relaxed) == (parts > 64 ? (1 << UInt64(parts - 64)) - 1 : 0))
    }
  }

  struct Add: ParallelWork {
    let total: Total
    func callAsFunction(_ part: Int, thread: Int) { total.value.add(part, ordering: .relaxed) }
  }

  final class Total: Sendable {
    let value = Atomic<Int>(0)
  }

  @Test func manyRoundsInARow() {
    let pool = WorkerPool(threads: 3)
    let total = Total()
    for _ in 0..<2000 { pool.run(4, Add(total: total)) }
    #expect(total.value.load(ordering: .relaxed) == 2000 * 6)
  }
}
