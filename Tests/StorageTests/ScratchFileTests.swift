import MiniGPTStorage
import MiniGPTTestSupport
import Testing

@Suite struct ScratchFileTests {
  @Test func appendsAndMaps() throws {
    let folder = try Folder()
    var file = try ScratchFile(in: folder.whole)
    #expect(try folder.names() == [])
    #expect(try file.map().count == 0)
    try file.append(([1, -2, 3] as [Int32]).rawBytes)
    try file.append(([4] as [Int32]).rawBytes)
    #expect(file.count == 16)
    let map = try file.map()
    var found: [Int32] = []
    if let ids = map.bytes.numbers(Int32.self) { for index in 0..<ids.count { found.append(ids[index]) } }
    #expect(found == [1, -2, 3, 4])
  }

  @Test func defaultFolder() throws {
    var file = try ScratchFile()
    try file.append(([1] as [Int64]).rawBytes)
    #expect(file.count == 8)
  }

  @Test func refusals() throws {
    let folder = try Folder()
    #expect(throws: StorageError.self) { _ = try ScratchFile(in: folder.path("no")) }
  }
}
