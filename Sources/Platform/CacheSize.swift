/// How large the processor's caches are.
package enum CacheSize {
  /// Bytes of the second-level cache that a core has; nil where the system does not say.
  package static let secondLevel = secondLevel(read: SystemFile.text)

  /// The same from what the system's files say, so that tests can play any machine.
  package static func secondLevel(read: (String) -> String?) -> Int? {
    for index in 0..<10 {
      let folder = "/sys/devices/system/cpu/cpu0/cache/index\(index)/"
      guard let level = read(folder + "level") else { return nil }
      if level[...].trimmed == "2", read(folder + "type").map({ $0[...].trimmed }) != "Instruction" {
        return read(folder + "size").flatMap { bytes($0[...].trimmed) }
      }
    }
    return nil
  }

  /// `512K`, `2M`.
  private static func bytes(_ text: String) -> Int? {
    let units = ["K": 1 << 10, "M": 1 << 20]
    guard let unit = text.last.flatMap({ units[String($0)] }), let number = Int(text.dropLast()), 1...65_536 ~= number
    else { return nil }
    return number * unit
  }
}
