internal import MiniGPTCKernels
internal import MiniGPTPlatform
internal import Synchronization

internal import MiniGPTSystemC

/// Work cut into numbered parts that may run in any order and on any thread.
///
/// A value, not a closure: handing it over allocates nothing.
package protocol ParallelWork {
  /// Does one part. `thread`, from 0 to the pool's `threads - 1`, tells which scratch memory is free for it; what is
  /// computed must not depend on it.
  func callAsFunction(_ part: Int, thread: Int)
}

/// A fixed number of threads that wait for work, the caller's thread being one of them.
///
/// Which thread runs which part is left to chance; results must not depend on it. One thread at a time may call
/// `run`. Hand-over costs about a microsecond while the workers spin, some tens when they sleep.
package final class WorkerPool: Sendable {
  /// How many threads take part, the caller's included: fewer than were asked for where the system gives no more.
  package let threads: Int
  private let shared: Shared

  package init(threads: Int) {
    check(threads >= 1, "a pool of \(threads) threads")
    let shared = Shared(atMost: threads - 1)
    var started = 0
    while started < threads - 1, Self.start(shared, started + 1) { started += 1 }
    shared.workers = started
    self.shared = shared
    self.threads = started + 1
  }

  deinit { shared.stop() }

  /// Calls `body` for the parts 0 to `parts - 1`, each once, and returns when all have ended.
  package func run<Work: ParallelWork>(_ parts: Int, _ body: Work) {
    if parts <= 1 || threads == 1 {
      for part in 0..<max(0, parts) { body(part, thread: 0) }
      return
    }
    unsafe withUnsafePointer(to: body) { pointer in unsafe shared.run(parts, Borrowed(it: pointer)) }
  }

  /// False where the system gives no thread: users and control groups may have so many and no more.
  private static func start(_ shared: Shared, _ index: Int) -> Bool {
    var thread = pthread_t(bitPattern: 0)
    let box = unsafe Unmanaged.passRetained(Worker(shared: shared, thread: index))
    let status = unsafe pthread_create(
      &thread, nil,
      { argument in
        guard let argument = unsafe argument else { return nil }
        let worker = unsafe Unmanaged<Worker>.fromOpaque(argument).takeRetainedValue()
        worker.shared.serve(thread: worker.thread)
        return nil
      }, box.toOpaque())
    if status != 0 {
      unsafe box.release()
      return false
    }
    pthread_detach(thread)
    return true
  }
}

/// One word, so that it fits into an existential without an allocation.
@safe private struct Borrowed<Work: ParallelWork>: ParallelWork {
  let it: UnsafePointer<Work>
  func callAsFunction(_ part: Int, thread: Int) { unsafe it.pointee(part, thread: thread) }
}

extension WorkerPool {
  fileprivate final class Worker: Sendable {
    let shared: Shared
    let thread: Int

    init(shared: Shared, thread: Int) {
      self.shared = shared
      self.thread = thread
    }
  }

  /// What the threads of a pool share.
  ///
  /// A line of the cache takes most of a microsecond from one core to another on some machines, so each thread has a
  /// range of parts of its own and a counter on a line of its own; it looks at the others' only when its own range is
  /// done. Neighbouring parts thus run on one core, round after round, and find there what they wrote before.
  ///
  /// Unchecked: `workers` is written before the first round, `round` by the caller between two rounds only, while no
  /// worker is inside one (`running` is zero); the increment of `generation` publishes both.
  @safe fileprivate final class Shared: @unchecked Sendable {
    /// What is to be done; it shares a line with `generation`, which announces it.
    private struct Round {
      var job: (any ParallelWork)?
      var parts: Int
    }

    fileprivate(set) var workers = 0
    /// Turns of a waiting loop between two offers of the core to others: few where threads must share cores, since the
    /// one that is waited for may need it; many otherwise, since whoever takes the offer may keep the core for long.
    private let turnsPerYield: Int
    /// Turns before a worker sleeps: some hundreds of microseconds where it has a core of its own.
    private let turnsAwake: Int
    private let ended = Atomic<Bool>(false)
    private let lines: UnsafeMutableRawPointer
    private let generation: UnsafeMutablePointer<Atomic<Int>>
    private let round: UnsafeMutablePointer<Round>
    private let running: UnsafeMutablePointer<Atomic<Int>>
    private let sleepers: UnsafeMutablePointer<Atomic<Int>>
    private let monitor = Monitor()

    /// Two lines, since processors fetch them in pairs.
    private static let line = 128
    private static let countersStart = 3

    init(atMost workers: Int) {
      let isCrowded = workers + 1 > ProcessorCount.available
      turnsPerYield = isCrowded ? 64 : 16_384
      turnsAwake = isCrowded ? 4000 : 16_000
      let count = Self.countersStart + workers + 1
      unsafe lines = .allocate(byteCount: count * Self.line, alignment: Self.line)
      for index in 0..<count {
        unsafe (lines + index * Self.line).initializeMemory(as: Atomic<Int>.self, to: Atomic(0))
      }
      unsafe generation = lines.assumingMemoryBound(to: Atomic<Int>.self)
      unsafe round = (lines + 16).initializeMemory(as: Round.self, to: Round(job: nil, parts: 0))
      unsafe running = (lines + Self.line).assumingMemoryBound(to: Atomic<Int>.self)
      unsafe sleepers = (lines + 2 * Self.line).assumingMemoryBound(to: Atomic<Int>.self)
    }

    deinit {
      unsafe round.deinitialize(count: 1)
      unsafe lines.deallocate()
    }

    func run(_ parts: Int, _ body: any ParallelWork) {
      unsafe round.pointee = Round(job: body, parts: parts)
      unsafe running.pointee.store(workers, ordering: .relaxed)
      let now = announce()
      work(thread: 0, now)
      var turns = 0
      while unsafe running.pointee.load(ordering: .acquiring) > 0 {
        minigpt_pause()
        turns += 1
        if turns % turnsPerYield == 0 { sched_yield() }
      }
      unsafe round.pointee.job = nil
    }

    func stop() {
      ended.store(true, ordering: .releasing)
      _ = announce()
    }

    /// A worker's life: wait for a round, take parts until none are left, say so.
    func serve(thread: Int) {
      var seen = 0
      while true {
        seen = waitForGeneration(after: seen)
        if ended.load(ordering: .acquiring) { return }
        work(thread: thread, seen)
        unsafe running.pointee.subtract(1, ordering: .releasing)
      }
    }

    private func announce() -> Int {
      let now = unsafe generation.pointee.add(1, ordering: .sequentiallyConsistent).newValue
      if unsafe sleepers.pointee.load(ordering: .sequentiallyConsistent) > 0 {
        monitor.locked { monitor.announceChange() }
      }
      return now
    }

    /// Its own range first, then what the others have left.
    private func work(thread: Int, _ generation: Int) {
      guard let job = unsafe round.pointee.job else { return }
      let parts = unsafe round.pointee.parts, threads = workers + 1
      for turn in 0..<threads {
        let owner = (thread + turn) % threads
        let first = owner * parts / threads, count = (owner + 1) * parts / threads - first
        while let index = claim(owner, count, generation) { job(first + index, thread: thread) }
      }
    }

    /// The next part of an owner's range, or nil. A counter holds the round that it counts for and how many are taken.
    private func claim(_ owner: Int, _ count: Int, _ generation: Int) -> Int? {
      let counter = unsafe (lines + (Self.countersStart + owner) * Self.line).assumingMemoryBound(to: Atomic<Int>.self)
      let fresh = (generation & 0x7FFF_FFFF) << 32
      var old = unsafe counter.pointee.load(ordering: .relaxed)
      while true {
        let taken = old & ~0xFFFF_FFFF == fresh ? old & 0xFFFF_FFFF : 0
        if taken >= count { return nil }
        let (done, now) = unsafe counter.pointee.compareExchange(
          expected: old, desired: fresh | (taken + 1), ordering: .relaxed)
        if done { return taken }
        old = now
      }
    }

    /// Spins for a while before it sleeps.
    private func waitForGeneration(after seen: Int) -> Int {
      for turn in 0..<turnsAwake {
        let now = unsafe generation.pointee.load(ordering: .acquiring)
        if now != seen { return now }
        minigpt_pause()
        if turn % turnsPerYield == turnsPerYield - 1 { sched_yield() }
      }
      // `sleepers` is raised before `generation` is read again, and `announce` does the reverse: one of the two sees
      // the other, so no wake-up is lost.
      return monitor.locked {
        unsafe sleepers.pointee.add(1, ordering: .sequentiallyConsistent)
        defer { unsafe sleepers.pointee.subtract(1, ordering: .sequentiallyConsistent) }
        while true {
          let now = unsafe generation.pointee.load(ordering: .sequentiallyConsistent)
          if now != seen { return now }
          monitor.wait()
        }
      }
    }
  }
}
