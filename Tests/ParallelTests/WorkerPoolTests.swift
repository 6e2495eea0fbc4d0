import Parallel
import Synchronization
import Testing

@Suite struct WorkerPoolTests {
  final class Counts: Sendable {
    let calls = Mutex<[Int]>([])
  }

  struct Count: ParallelWork {
    let counts: Counts
    func callAsFunction(_ part: Int, thread: Int) { counts.calls.withLock { $0[part] += 1 } }
  }

  @Test(arguments: [1, 2, 3, 5]) func everyPartRunsOnce(threads: Int) {
    let pool = WorkerPool(threads: threads)
    for parts in [0, 1, 2, 3, 7, 100] {
      let counts = Counts()
      counts.calls.withLock { $0 = [Int](repeating: 0, count: parts) }
      pool.run(parts, Count(counts: counts))
      #expect(counts.calls.withLock { $0 } == [Int](repeating: 1, count: parts))
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
