internal import MiniGPTSystemC

/// The thread that asks: what it gets of the processors, and where.
package enum CurrentThread {
  /// Seconds of a processor that it has had. On Linux, asking may end its time slice early.
  package static var processorTime: Double {
    #if os(Linux)
      MonotonicTime.seconds(CLOCK_THREAD_CPUTIME_ID)
    #else
      0
    #endif
  }

  /// How often it lost its core to another thread, so far; 0 where the system does not count.
  package static var preemptions: Int {
    #if os(Linux)
      var usage = rusage()
      guard unsafe getrusage(1, &usage) == 0 else { return 0 }  // RUSAGE_THREAD, which is no name here
      return usage.ru_nivcsw
    #else
      return 0
    #endif
  }

  /// The number of the core that it runs on; nil where the system does not say.
  package static var core: Int? {
    guard let current = AffinityCalls.current else { return nil }
    let core = Int(current())
    return core >= 0 ? core : nil
  }

  /// Sleeps until a time of `MonotonicTime.now`, to about a tenth of a millisecond.
  package static func sleep(until time: Double) {
    while true {
      let left = time - MonotonicTime.now
      if left <= 0 { return }
      var length = timespec()
      length.tv_sec = Int(left)
      length.tv_nsec = Int((left - left.rounded(.down)) * 1e9)
      unsafe _ = nanosleep(&length, nil)
    }
  }
}

/// The cores that a thread may run on. A value without memory of its own: it is taken and put back in the midst of work.
package struct CoreSet: Sendable, Equatable {
  private var words = SIMD16<UInt64>()

  /// Those of the thread that asks; nil where the system does not say.
  package static var ofThread: Self? {
    guard let get = unsafe AffinityCalls.get else { return nil }
    var set = Self()
    let count = unsafe withUnsafeMutableBytes(of: &set.words) { bytes in
      guard let base = bytes.baseAddress else { return Int32(-1) }
      return unsafe get(0, bytes.count, base)
    }
    return count >= 0 ? set : nil
  }

  /// The same without one of them; nil where none would be left.
  package func without(_ core: Int) -> Self? {
    guard core < words.scalarCount * 64 else { return nil }
    var rest = self
    rest.words[core / 64] &= ~(1 << UInt64(core % 64))
    return rest.words == SIMD16() ? nil : rest
  }

  /// Restricts the thread that asks to these.
  package func restrictThread() {
    guard let set = unsafe AffinityCalls.set else { return }
    unsafe withUnsafeBytes(of: words) { bytes in
      if let base = bytes.baseAddress { unsafe _ = set(0, bytes.count, base) }
    }
  }
}

/// Calls of Linux that its headers hide from Swift, and that other systems do not have.
private enum AffinityCalls {
  typealias Current = @convention(c) () -> Int32
  typealias Get = @convention(c) (Int32, Int, UnsafeMutableRawPointer) -> Int32
  typealias Set = @convention(c) (Int32, Int, UnsafeRawPointer) -> Int32

  static let current = unsafe dlsym(nil, "sched_getcpu").map { unsafe unsafeBitCast($0, to: Current.self) }
  static let get = unsafe dlsym(nil, "sched_getaffinity").map { unsafe unsafeBitCast($0, to: Get.self) }
  static let set = unsafe dlsym(nil, "sched_setaffinity").map { unsafe unsafeBitCast($0, to: Set.self) }
}
