import MiniGPTParallel
import Synchronization
import Testing

@Suite struct StreamPaceTests {
  /// The bytes of a stream come in order, each before whoever waits for it, and never more than the lead too early.
  @Test(arguments: [(1, 1), (2, 3), (3, 64), (2, 1000)])
  func nobodyRunsAhead(users: Int, lead: Int) {
    let count = 1000, pace = StreamPace(lead: lead), pool = WorkerPool(threads: users)
    let read = Atomic<Int>(0), released = Atomic<Int>(0), next = Atomic<Int>(0), faults = Atomic<Int>(0)
    BackgroundThread.start {
      for place in 1...count {
        if !pace.mayRead(upTo: place) { return }
        // Whoever has a byte, or waits for one, took its number before.
        let limit = max(released.load(ordering: .sequentiallyConsistent) + lead, next.load(ordering: .relaxed))
        if place > limit { faults.add(1, ordering: .relaxed) }
        read.store(place, ordering: .sequentiallyConsistent)
        pace.didRead(upTo: place)
      }
    }
    pool.run(
      users,
      Users {
        while true {
          let place = next.add(1, ordering: .relaxed).newValue
          if place > count { return }
          if !pace.waitForBytes(upTo: place) { faults.add(1, ordering: .relaxed) }
          if read.load(ordering: .sequentiallyConsistent) < place { faults.add(1, ordering: .relaxed) }
          released.add(1, ordering: .sequentiallyConsistent)
          pace.release(1)
        }
      })
    #expect(read.load(ordering: .relaxed) == count)
    #expect(faults.load(ordering: .relaxed) == 0)
  }

  struct Users: ParallelWork {
    let body: @Sendable () -> Void
    func callAsFunction(_ part: Int, thread: Int) { body() }
  }

  /// The reader stops at its lead, goes on for whoever waits for more, and is told when nobody does.
  @Test func leadIsKept() {
    let pace = StreamPace(lead: 10)
    #expect(pace.mayRead(upTo: 10))
    pace.didRead(upTo: 10)
    #expect(pace.waitForBytes(upTo: 10))
    pace.release(4)
    #expect(pace.mayRead(upTo: 14))
    let stopped = StopFlag()
    BackgroundThread.start {
      // Beyond the lead: waits until somebody wants it.
      if pace.mayRead(upTo: 15) { pace.didRead(upTo: 15) }
      if !pace.mayRead(upTo: 1000) { stopped.set() }
    }
    #expect(pace.waitForBytes(upTo: 15))
    pace.end()
    #expect(!pace.waitForBytes(upTo: 16))
    #expect(pace.waitForBytes(upTo: 15))
    #expect(!pace.mayRead(upTo: 15))
    while !stopped.isSet {}
  }
}
