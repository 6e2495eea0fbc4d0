import Foundation
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

  /// Work of one round: it adds up what it is told to, and counts where the round is not the one that runs.
  struct Numbered: ParallelWork {
    let round: Int
    let running: Total
    let total: Total
    let strangers: Total
    func callAsFunction(_ part: Int, thread: Int) {
      if running.value.load(ordering: .relaxed) != round { strangers.value.add(1, ordering: .relaxed) }
      total.value.add(round * 64 + part, ordering: .relaxed)
    }
  }

  /// Spins until it is told to stop.
  final class Neighbour: Sendable {
    let isOver = Atomic<Bool>(false)
    func spin() { while !isOver.load(ordering: .relaxed) {} }
  }

  /// Parts that take a while, for long enough that workers begin to take turns with the neighbours and stop again.
  struct Slow: ParallelWork {
    let total: Total
    func callAsFunction(_ part: Int, thread: Int) {
      var value = part
      for step in 0..<20_000 { value = value &* 3 &+ step }
      total.value.wrappingAdd(value, ordering: .relaxed)
    }
  }

  @Test(arguments: [1, 3]) func everyPartRunsOnceBesideBusyNeighbours(count: Int) {
    let alone = Total(), beside = Total(), pool = WorkerPool(threads: 2)
    for part in 0..<40 { Slow(total: alone)(part, thread: 0) }
    let each = alone.value.load(ordering: .relaxed)
    let neighbours = (0..<count).map { _ in Neighbour() }
    for neighbour in neighbours { Thread.detachNewThread { neighbour.spin() } }
    let end = Date(timeIntervalSinceNow: 0.6)
    var rounds = 0, isRight = true
    while isRight, rounds < 20 || Date() < end {
      pool.run(40, Slow(total: beside))
      rounds += 1
      isRight = beside.value.load(ordering: .relaxed) == each &* rounds
    }
    for neighbour in neighbours { neighbour.isOver.store(true, ordering: .relaxed) }
    for _ in 0..<100 {
      pool.run(40, Slow(total: beside))
      rounds += 1
    }
    #expect(beside.value.load(ordering: .relaxed) == each &* rounds)
  }

  /// More threads than processors, so that some come late to nearly every round: none of them does another round's work.
  @Test(arguments: [2, 7, 24]) func whoComesLateDoesNothing(threads: Int) {
    let pool = WorkerPool(threads: threads), running = Total(), total = Total(), strangers = Total()
    var expected = 0
    for round in 1...20_000 {
      let parts = 2 + round % 37
      running.value.store(round, ordering: .relaxed)
      pool.run(parts, Numbered(round: round, running: running, total: total, strangers: strangers))
      expected += parts * round * 64 + parts * (parts - 1) / 2
      if total.value.load(ordering: .relaxed) != expected { break }
    }
    #expect(total.value.load(ordering: .relaxed) == expected)
    #expect(strangers.value.load(ordering: .relaxed) == 0)
  }

  /// A part that takes long is waited for, also by a caller that has fallen asleep.
  @Test func aLongPartIsWaitedFor() {
    struct Sleep: ParallelWork {
      let total: Total
      func callAsFunction(_ part: Int, thread: Int) {
        if part % 2 == 1 { usleep(3000) }
        total.value.add(1, ordering: .relaxed)
      }
    }
    let pool = WorkerPool(threads: 2), total = Total()
    for round in 1...20 {
      pool.run(4, Sleep(total: total))
      #expect(total.value.load(ordering: .relaxed) == 4 * round)
      // Long enough for the worker to fall asleep as well.
      if round % 5 == 0 { usleep(1000) }
    }
  }
}
