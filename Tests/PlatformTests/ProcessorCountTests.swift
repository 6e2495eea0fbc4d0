import MiniGPTPlatform
import Testing

@Suite struct ProcessorCountTests {
  func count(
    _ affinity: String?, groups: String? = nil, online: Int = 8, _ files: [String: String] = [:]
  ) -> Int {
    ProcessorCount.available(affinity: affinity, groups: groups, online: online) { files[$0] }
  }

  @Test func affinity() {
    #expect(count("0-3,8") == 5)
    #expect(count("7") == 1)
    #expect(count("0-63,128-191") == 128)
    #expect(count(nil) == 8)
    #expect(count("") == 8)
    #expect(count("3-1") == 8)
    #expect(count("a-b") == 8)
    #expect(count("0-1-2") == 8)
    #expect(count("0-99999999999") == 8)
    #expect(count(nil, online: -1) == 1)
  }

  @Test func quotaVersion2() {
    #expect(count("0-7", ["/sys/fs/cgroup/cpu.max": "150000 100000\n"]) == 2)
    #expect(count("0-7", ["/sys/fs/cgroup/cpu.max": "200000 100000\n"]) == 2)
    #expect(count("0-7", ["/sys/fs/cgroup/cpu.max": "50000 100000\n"]) == 1)
    #expect(count("0-7", ["/sys/fs/cgroup/cpu.max": "max 100000\n"]) == 8)
    #expect(count("0-7", ["/sys/fs/cgroup/cpu.max": "nonsense"]) == 8)
    #expect(count("0-1", ["/sys/fs/cgroup/cpu.max": "400000 100000\n"]) == 2)
    let groups = "0::/user.slice/job\n"
    #expect(count("0-7", groups: groups, ["/sys/fs/cgroup/user.slice/job/cpu.max": "300000 100000\n"]) == 3)
    #expect(count("0-7", groups: groups, ["/sys/fs/cgroup/user.slice/cpu.max": "400000 100000\n"]) == 4)
  }

  @Test func quotaVersion1() {
    let files = ["cpu.cfs_quota_us": "250000\n", "cpu.cfs_period_us": "100000\n"]
    let at = { (folder: String) in
      Dictionary(uniqueKeysWithValues: files.map { ("\(folder)/\($0.key)", $0.value) })
    }
    #expect(count("0-7", at("/sys/fs/cgroup/cpu")) == 3)
    #expect(count("0-7", groups: "4:cpu,cpuacct:/docker/x\n", at("/sys/fs/cgroup/cpu,cpuacct/docker/x")) == 3)
    #expect(
      count(
        "0-7", ["/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n", "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n"]) == 8
    )
  }

  @Test func thisMachine() {
    #expect(ProcessorCount.available >= 1)
  }
}
