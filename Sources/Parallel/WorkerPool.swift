internal import CKernels
internal import Platform
internal import Synchronization

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Darwin
#endif

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
  /// How many threads take part, the caller's included.
  package let threads: Int
  private let shared: Shared

  package init(threads: Int) {
    check(threads >= 1, "a pool of \(threads) threads")
    self.threads = threads
    shared = Shared(workers: threads - 1)
    for index in 1..<max(1, threads) { Self.start(shared, index) }
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

  private static func start(_ shared: Shared, _ index: Int) {
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
    check(status == 0, "pthread_create: error \(status)")
    pthread_detach(thread)
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
  /// Unchecked: `job` and `parts` are written by the caller between two rounds only, while no worker is inside one
  /// (`running` is zero), and published by the increment of `generation`.
  @safe fileprivate final class Shared: @unchecked Sendable {
    private let workers: Int
    private let generation = Atomic<Int>(0)
    private let next = Atomic<Int>(0)
    private let running = Atomic<Int>(0)
    private let sleepers = Atomic<Int>(0)
    private let ended = Atomic<Bool>(false)
    private var job: (any ParallelWork)?
    private var parts = 0
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let wake: UnsafeMutablePointer<pthread_cond_t>

    init(workers: Int) {
      self.workers = workers
      unsafe mutex = .allocate(capacity: 1)
      unsafe wake = .allocate(capacity: 1)
      unsafe pthread_mutex_init(mutex, nil)
      unsafe pthread_cond_init(wake, nil)
    }

    deinit {
      unsafe pthread_cond_destroy(wake)
      unsafe pthread_mutex_destroy(mutex)
      unsafe wake.deallocate()
      unsafe mutex.deallocate()
    }

    func run(_ parts: Int, _ body: any ParallelWork) {
      job = body
      self.parts = parts
      next.store(0, ordering: .relaxed)
      running.store(workers, ordering: .relaxed)
      announce()
      work(thread: 0)
      var turns = 0
      while running.load(ordering: .acquiring) > 0 {
        minigpt_pause()
        turns += 1
        if turns > 200 { sched_yield() }
      }
      job = nil
    }

    func stop() {
      ended.store(true, ordering: .releasing)
      announce()
    }

    /// A worker's life: wait for a round, take parts until none are left, say so.
    func serve(thread: Int) {
      var seen = 0
      while true {
        seen = waitForGeneration(after: seen)
        if ended.load(ordering: .acquiring) { return }
        work(thread: thread)
        running.subtract(1, ordering: .releasing)
      }
    }

    private func announce() {
      generation.add(1, ordering: .sequentiallyConsistent)
      if sleepers.load(ordering: .sequentiallyConsistent) > 0 {
        unsafe pthread_mutex_lock(mutex)
        unsafe pthread_cond_broadcast(wake)
        unsafe pthread_mutex_unlock(mutex)
      }
    }

    private func work(thread: Int) {
      guard let job else { return }
      while true {
        let part = next.add(1, ordering: .relaxed).oldValue
        if part >= parts { return }
        job(part, thread: thread)
      }
    }

    /// Spins for some tens of microseconds, yielding now and then, before it sleeps.
    private func waitForGeneration(after seen: Int) -> Int {
      for turn in 0..<4000 {
        let now = generation.load(ordering: .acquiring)
        if now != seen { return now }
        minigpt_pause()
        if turn % 256 == 255 { sched_yield() }
      }
      // `sleepers` is raised before `generation` is read again, and `announce` does the reverse: one of the two sees
      // the other, so no wake-up is lost.
      unsafe pthread_mutex_lock(mutex)
      defer { unsafe pthread_mutex_unlock(mutex) }
      sleepers.add(1, ordering: .sequentiallyConsistent)
      defer { sleepers.subtract(1, ordering: .sequentiallyConsistent) }
      while true {
        let now = generation.load(ordering: .sequentiallyConsistent)
        if now != seen { return now }
        unsafe pthread_cond_wait(wake, mutex)
      }
    }
  }
}
