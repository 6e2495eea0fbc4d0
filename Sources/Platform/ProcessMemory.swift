internal import MiniGPTSystemC

/// How much memory there is, and how much this process took.
package enum ProcessMemory {
  /// Bytes that the machine has, or that the control group allows where that is less.
  package static var physical: Int {
    let pages = Int(sysconf(Int32(_SC_PHYS_PAGES)))
    let machine = max(0, pages) * max(0, Int(sysconf(Int32(_SC_PAGESIZE))))
    let limits = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
      .compactMap { SystemFile.text($0).flatMap { Int(Substring($0).trimmed) } }
    return limits.filter { $0 > 0 }.reduce(machine, min)
  }

  /// The most bytes of memory that the process held at any moment, mapped files that were touched included.
  package static var peak: Int? {
    if let text = SystemFile.text("/proc/self/status"), let field = SystemFile.field("VmHWM", in: text),
      let kilobytes = field.split(separator: " ").first.flatMap({ Int($0) })
    {
      return kilobytes * 1024
    }
    #if canImport(Darwin)
      var usage = rusage()
      if unsafe getrusage(RUSAGE_SELF, &usage) == 0 { return Int(usage.ru_maxrss) }
    #endif
    return nil
  }
}
