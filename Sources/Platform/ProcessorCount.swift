internal import MiniGPTSystemC

/// How many processors this process may use at once.
///
/// The usual calls count the machine's processors and know neither the affinity (`taskset`) nor the quota of a control
/// group (containers), so both are read where the kernel writes them.
package enum ProcessorCount {
  package static var available: Int {
    available(
      affinity: SystemFile.text("/proc/self/status").flatMap { SystemFile.field("Cpus_allowed_list", in: $0) },
      groups: SystemFile.text("/proc/self/cgroup"), online: Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))),
      read: SystemFile.text)
  }

  /// The same from what the system's files say, so that tests can play any machine.
  package static func available(
    affinity: String?, groups: String?, online: Int, read: (String) -> String?
  ) -> Int {
    var count = affinity.flatMap(countOf(list:)) ?? max(1, online)
    for folder in ControlGroup.folders("cpu", groups: groups ?? "") {
      if let quota = read(folder + "/cpu.max").flatMap(quota(version2:)) { count = min(count, quota) }
      if let limit = read(folder + "/cpu.cfs_quota_us"), let period = read(folder + "/cpu.cfs_period_us"),
        let quota = quota(version2: limit.prefix { $0 != "\n" } + " " + period)
      {
        count = min(count, quota)
      }
    }
    return max(1, count)
  }

  /// `0-3,8` is five; nil where the text is no such list.
  static func countOf(list: String) -> Int? {
    var count = 0
    for part in list.split(separator: ",") {
      let ends = part.split(separator: "-").map { Int($0) }
      guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2, first >= 0, last >= first,
        last < 1 << 20
      else { return nil }
      count += last - first + 1
    }
    return count > 0 ? count : nil
  }

  /// `150000 100000` (quota and period in microseconds) is two, rounded up; `max` and -1 set no limit.
  private static func quota(version2 text: some StringProtocol) -> Int? {
    let words = text.split(whereSeparator: \.isWhitespace).map { Int($0) }
    guard words.count == 2, let quota = words[0], let period = words[1], quota > 0, period > 0 else { return nil }
    return quota / period + (quota % period == 0 ? 0 : 1)
  }
}
