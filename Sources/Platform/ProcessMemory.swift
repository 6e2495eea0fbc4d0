internal import MiniGPTSystemC

/// How much memory there is, and how much this process took.
package enum ProcessMemory {
  /// Bytes that this process may still take: what the machine has, or where that is less, what the control group and the
  /// limit on addresses (`ulimit -v`) leave.
  package static var available: Int {
    let pages = Int(sysconf(Int32(_SC_PHYS_PAGES)))
    var limit = rlimit()
    let addresses = unsafe getrlimit(Self.addresses, &limit) == 0 ? Int(clamping: limit.rlim_cur) : Int.max
    return available(
      machine: max(0, pages) * max(0, Int(sysconf(Int32(_SC_PAGESIZE)))), addresses: addresses,
      status: SystemFile.text("/proc/self/status") ?? "", groups: SystemFile.text("/proc/self/cgroup") ?? "",
      read: SystemFile.text)
  }

  /// The same from what the system says, so that tests can play any machine.
  package static func available(
    machine: Int, addresses: Int, status: String, groups: String, read: (String) -> String?
  ) -> Int {
    var least = machine
    for folder in ControlGroup.folders("memory", groups: groups) {
      for name in ["memory.max", "memory.limit_in_bytes"] {
        if let text = read(folder + "/" + name), let limit = Int(Substring(text).trimmed), limit > 0 {
          least = min(least, limit)
        }
      }
    }
    return max(0, min(least, addresses - (kilobytes("VmSize", status) ?? 0) * 1024))
  }

  /// The most bytes of memory that the process held at any moment, mapped files that were touched included.
  package static var peak: Int? {
    if let text = SystemFile.text("/proc/self/status"), let peak = kilobytes("VmHWM", text) { return peak * 1024 }
    #if canImport(Darwin)
      var usage = rusage()
      if unsafe getrusage(RUSAGE_SELF, &usage) == 0 { return Int(usage.ru_maxrss) }
    #endif
    return nil
  }

  private static func kilobytes(_ name: String, _ status: String) -> Int? {
    SystemFile.field(name, in: status)?.split(separator: " ").first.flatMap { Int($0) }
  }

  #if canImport(Glibc)
    private static var addresses: __rlimit_resource_t { __rlimit_resource_t(RLIMIT_AS.rawValue) }
  #else
    private static var addresses: Int32 { Int32(RLIMIT_AS) }
  #endif

  /// Ends the program where the system gives no memory: it is the machine's refusal, and no mistake of ours.
  package static func exhausted(wanted bytes: Int) -> Never {
    var text = "minigpt: not enough memory: \(bytes) bytes more were refused\n"
    text.withUTF8 { bytes in _ = unsafe write(2, bytes.baseAddress, bytes.count) }
    _exit(1)
  }
}
