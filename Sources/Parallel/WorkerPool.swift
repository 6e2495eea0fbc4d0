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
/// `run`. A round ends when its parts are done, whoever did them: a thread that has no core holds up what it has begun
/// and nothing else. Nobody spins for longer than about what falling asleep and waking costs, so that the core of one that
/// waits is soon free for the one it waits for. Hand-over costs about a microsecond while workers spin, some tens when
/// they sleep.
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

  /// About what it costs to fall asleep and to be woken, in seconds.
  static let awake = 50e-6

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
  /// A worker may come late, when its round is over and others have come. So each second round is written to the same
  /// place, and what was read counts only if the generation has stayed what it was, as with a sequence lock (Boehm, "Can
  /// Seqlocks Get Along with Programming Language Memory Models?", MSPC 2012). A counter says which round it counts for,
  /// and no round ends before all of its counters are full: who comes late gets no part, and touches the work, which is
  /// the caller's, only with a part in hand.
  ///
  /// Unchecked: `workers` is written before the first round, `caller` by callers, one at a time; all else that changes is
  /// atomic.
  @safe fileprivate final class Shared: @unchecked Sendable {
    /// What is to be done.
    @safe private struct Round {
      var generation: Int
      var work: UnsafeRawPointer
      var parts: Int
    }

    fileprivate(set) var workers = 0
    private let ended = Atomic<Bool>(false)
    private let lines: UnsafeMutableRawPointer
    private let monitors: [Monitor]
    /// Only the caller's.
    private var caller = CallerShare()

    /// Two lines, since processors fetch them in pairs.
    private static let line = 128
    private static let workersStart = 2

    /// The number of the last round; what is to be done in it shares its line.
    private var generation: UnsafeMutablePointer<Atomic<Int>> { unsafe word(0, 0) }
    private func work(_ generation: Int) -> UnsafeMutablePointer<Atomic<Int>> {
      unsafe word(0, 1 + 2 * (generation & 1))
    }
    private func parts(_ generation: Int) -> UnsafeMutablePointer<Atomic<Int>> {
      unsafe word(0, 2 + 2 * (generation & 1))
    }
    /// How many of the round's parts are done.
    private var done: UnsafeMutablePointer<Atomic<Int>> { unsafe word(1, 0) }
    /// How many threads sleep, the caller among them.
    private var sleepers: UnsafeMutablePointer<Atomic<Int>> { unsafe word(1, 8) }
    /// 1 while workers may take turns with other programs.
    private var allowsTurns: UnsafeMutablePointer<Atomic<Int>> { unsafe word(0, 8) }
    /// 1 while the caller keeps losing its core to a worker.
    private var isCrowded: UnsafeMutablePointer<Atomic<Int>> { unsafe word(0, 10) }
    /// The core of the caller, and -1 where that is not known.
    private var callerCore: UnsafeMutablePointer<Atomic<Int>> { unsafe word(0, 9) }
    /// How many of a thread's range are taken, and in which round.
    private func taken(_ thread: Int) -> UnsafeMutablePointer<Atomic<Int>> {
      unsafe word(Self.workersStart + thread, 0)
    }
    /// 1 while a thread sleeps, or is about to.
    private func sleeps(_ thread: Int) -> UnsafeMutablePointer<Atomic<Int>> {
      unsafe word(Self.workersStart + thread, 8)
    }

    private func word(_ line: Int, _ index: Int) -> UnsafeMutablePointer<Atomic<Int>> {
      unsafe (lines + line * Self.line + index * MemoryLayout<Int>.stride).assumingMemoryBound(to: Atomic<Int>.self)
    }

    init(atMost workers: Int) {
      let bytes = (Self.workersStart + workers + 1) * Self.line
      unsafe lines = .allocate(byteCount: bytes, alignment: Self.line)
      for offset in stride(from: 0, to: bytes, by: MemoryLayout<Int>.stride) {
        unsafe (lines + offset).initializeMemory(as: Atomic<Int>.self, to: Atomic(0))
      }
      monitors = (0...workers).map { _ in Monitor() }
    }

    deinit { unsafe lines.deallocate() }

    func run(_ parts: Int, _ body: any ParallelWork) {
      unsafe withUnsafePointer(to: body) { body in
        unsafe done.pointee.store(0, ordering: .relaxed)
        if caller.begin(MonotonicTime.coarse) {
          unsafe callerCore.pointee.store(CurrentThread.core ?? -1, ordering: .relaxed)
          unsafe allowsTurns.pointee.store(caller.allowsTurns ? 1 : 0, ordering: .relaxed)
          unsafe isCrowded.pointee.store(caller.isCrowded ? 1 : 0, ordering: .relaxed)
        }
        let round = unsafe announce(body, parts)
        work(thread: 0, round) { true }
        caller.asleep += wait(thread: 0, awake: WorkerPool.awake) {
          unsafe done.pointee.load(ordering: .sequentiallyConsistent) == parts
        }
      }
    }

    func stop() {
      ended.store(true, ordering: .releasing)
      unsafe _ = announce(lines, workers + 1)
    }

    /// A worker's life: wait for a round, take parts until none are left.
    func serve(thread: Int) {
      var seen = 0
      var core = SharedCore()
      while true {
        core.asleep += wait(thread: thread, awake: core.awake, orUntil: { core.isOver }) {
          unsafe generation.pointee.load(ordering: .sequentiallyConsistent) != seen
        }
        if ended.load(ordering: .acquiring) { return }
        let known = unsafe callerCore.pointee.load(ordering: .relaxed), caller = known >= 0 ? known : nil
        if unsafe allowsTurns.pointee.load(ordering: .relaxed) == 0 { core.stop() }
        if core.isOver {
          core.rest(caller: caller)
          continue
        }
        guard let round = readRound(), round.generation != seen else { continue }
        seen = round.generation
        core.beginRound()
        work(thread: thread, round) { core.mayTake() }
        if unsafe allowsTurns.pointee.load(ordering: .relaxed) != 0 {
          core.endRound(caller: caller, isCrowded: unsafe isCrowded.pointee.load(ordering: .relaxed) != 0)
        }
      }
    }

    // MARK: - A round

    /// Writes a round and wakes as many as it has parts for.
    private func announce(_ body: UnsafeRawPointer, _ count: Int) -> Round {
      let now = unsafe generation.pointee.load(ordering: .relaxed) &+ 1
      atomicMemoryFence(ordering: .releasing)
      unsafe work(now).pointee.store(Int(bitPattern: body), ordering: .relaxed)
      unsafe parts(now).pointee.store(count, ordering: .relaxed)
      unsafe generation.pointee.store(now, ordering: .sequentiallyConsistent)
      if unsafe sleepers.pointee.load(ordering: .sequentiallyConsistent) > 0 {
        for thread in 1..<max(1, min(workers + 1, count)) { wake(thread) }
      }
      return unsafe Round(generation: now, work: body, parts: count)
    }

    /// The round that is announced; nil where others came while it was read.
    private func readRound() -> Round? {
      let now = unsafe generation.pointee.load(ordering: .acquiring)
      guard let body = unsafe UnsafeRawPointer(bitPattern: work(now).pointee.load(ordering: .relaxed)) else {
        return nil
      }
      let count = unsafe parts(now).pointee.load(ordering: .relaxed)
      atomicMemoryFence(ordering: .acquiring)
      return unsafe generation.pointee.load(ordering: .relaxed) == now
        ? Round(generation: now, work: body, parts: count) : nil
    }

    /// Its own range first, then what the others have left; what it has done is counted once, at the end.
    private func work(thread: Int, _ round: Round, while mayTake: () -> Bool) {
      let threads = workers + 1
      var finished = 0
      for turn in 0..<threads {
        let owner = (thread + turn) % threads
        let first = owner * round.parts / threads, count = (owner + 1) * round.parts / threads - first
        while mayTake(), let index = claim(owner, count, round.generation) {
          unsafe round.work.assumingMemoryBound(to: (any ParallelWork).self).pointee(first + index, thread: thread)
          finished += 1
        }
      }
      if finished == 0 { return }
      let all = unsafe done.pointee.add(finished, ordering: .sequentiallyConsistent).newValue
      if thread > 0 && all == round.parts { wake(0) }
    }

    /// The next part of an owner's range, or nil: none is left, or the round is over.
    private func claim(_ owner: Int, _ count: Int, _ generation: Int) -> Int? {
      let counter = unsafe taken(owner), number = generation & 0x7FFF_FFFF
      var old = unsafe counter.pointee.load(ordering: .relaxed)
      while true {
        let ahead = (number &- old >> 32) & 0x7FFF_FFFF
        // A later round counts there already: this one is over.
        if ahead >= 1 << 30 { return nil }
        let taken = ahead == 0 ? old & 0xFFFF_FFFF : 0
        if taken >= count { return nil }
        let (isDone, now) = unsafe counter.pointee.compareExchange(
          expected: old, desired: number << 32 | (taken + 1), ordering: .relaxed)
        if isDone { return taken }
        old = now
      }
    }

    // MARK: - Waiting

    /// Returns when something is so, or when a time is over: it spins for a while, then it sleeps until it is woken and
    /// looks again. Returns how long it slept.
    ///
    /// `sleeps` is raised before the last look, and who makes it so looks at `sleeps` afterwards: one of the two sees the
    /// other, so no wake-up is lost.
    private func wait(
      thread: Int, awake: Double, orUntil isOver: () -> Bool = { false }, until isSo: () -> Bool
    ) -> Double {
      if isSo() { return 0 }
      let start = MonotonicTime.now
      var now = start
      repeat {
        for _ in 0..<32 {
          minigpt_pause()
          if isSo() { return 0 }
        }
        if isOver() { return 0 }
        now = MonotonicTime.now
      } while now - start < awake
      let monitor = monitors[thread]
      monitor.locked {
        unsafe sleepers.pointee.add(1, ordering: .sequentiallyConsistent)
        unsafe sleeps(thread).pointee.store(1, ordering: .sequentiallyConsistent)
        while !isSo() { monitor.wait() }
        unsafe sleeps(thread).pointee.store(0, ordering: .relaxed)
        unsafe sleepers.pointee.subtract(1, ordering: .relaxed)
      }
      return MonotonicTime.now - now
    }

    private func wake(_ thread: Int) {
      if unsafe sleeps(thread).pointee.load(ordering: .sequentiallyConsistent) == 0 { return }
      let monitor = monitors[thread]
      monitor.locked { monitor.announceChange() }
    }
  }
}
