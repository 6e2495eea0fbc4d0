import MiniGPTPlatform
import Testing

@Suite struct CacheSizeTests {
  func size(_ files: [String: String]) -> Int? {
    CacheSize.secondLevel { path in files[String(path.dropFirst("/sys/devices/system/cpu/cpu0/cache/".count))] }
  }

  @Test func isThatOfTheSecondLevel() {
    let first = ["index0/level": "1\n", "index0/type": "Data\n", "index0/size": "32K\n", "index1/level": "1\n"]
    func with(_ text: String) -> [String: String] {
      first.merging(["index2/level": "2\n", "index2/type": "Unified\n", "index2/size": text]) { $1 }
    }
    #expect(size(with("512K\n")) == 512 << 10)
    #expect(size(with("2M\n")) == 2 << 20)
    for broken in ["", "K", "many", "-1K", "0K", "99999999999999K", "512"] { #expect(size(with(broken)) == nil) }
    #expect(size(first) == nil)
    #expect(size([:]) == nil)
  }
}
