internal import MiniGPTSystemC

/// Time that only goes forward, in seconds.
package enum MonotonicTime {
  /// Since some moment in the past; only differences mean something.
  package static var now: Double { seconds(CLOCK_MONOTONIC) }

  /// The same as of the last tick, for those who ask often.
  package static var coarse: Double {
    #if os(Linux)
      seconds(CLOCK_MONOTONIC_COARSE)
    #else
      now
    #endif
  }

  /// Since this process was started, to about a hundredth; where the system does not say when that was, since this was
  /// asked first.
  package static var sinceProcessStart: Double { now - start }

  private static let start: Double = {
    #if os(Linux)
      if let text = SystemFile.text("/proc/self/stat"), let ticks = startTicks(text) {
        let perSecond = Double(sysconf(Int32(_SC_CLK_TCK)))
        let age = seconds(CLOCK_BOOTTIME) - Double(ticks) / perSecond
        if age >= 0 { return now - age }
      }
    #endif
    return now
  }()

  /// Field 22 of `/proc/self/stat`. The second field is the program's name in parentheses and may hold anything.
  static func startTicks(_ text: String) -> Int? {
    guard let end = text.lastIndex(of: ")") else { return nil }
    let fields = text[text.index(after: end)...].split(separator: " ")
    return fields.count > 19 ? Int(fields[19]) : nil
  }

  /// How far apart the scheduler's ticks are, at which it takes cores away; nil where the system does not say.
  package static let tick: Double? = {
    #if os(Linux)
      var length = timespec()
      guard unsafe clock_getres(CLOCK_MONOTONIC_COARSE, &length) == 0, length.tv_sec == 0, length.tv_nsec > 0 else {
        return nil
      }
      return Double(length.tv_nsec) * 1e-9
    #else
      return nil
    #endif
  }()

  static func seconds(_ clock: clockid_t) -> Double {
    var time = timespec()
    unsafe clock_gettime(clock, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}
