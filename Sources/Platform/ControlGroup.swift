/// Where Linux writes what the processes of a control group, such as a container's, may use.
enum ControlGroup {
  /// The folders of our group and of those around it, versions 1 and 2.
  ///
  /// - Parameters:
  ///   - controller: what is limited: `cpu` or `memory`.
  ///   - groups: the text of `/proc/self/cgroup`.
  static func folders(_ controller: String, groups: String) -> [String] {
    var folders = ["/sys/fs/cgroup", "/sys/fs/cgroup/\(controller)"]
    if controller == "cpu" { folders.append("/sys/fs/cgroup/cpu,cpuacct") }
    for line in groups.split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3, parts[1].isEmpty || parts[1].split(separator: ",").contains(Substring(controller)) else {
        continue
      }
      var folder = parts[1].isEmpty ? "/sys/fs/cgroup" : "/sys/fs/cgroup/\(parts[1])"
      for component in parts[2].split(separator: "/") where component != ".." {
        folder += "/" + component
        folders.append(folder)
      }
    }
    return folders
  }
}
