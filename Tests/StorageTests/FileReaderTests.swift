import MiniGPTStorage
import MiniGPTTestSupport
import Testing

@Suite struct FileReaderTests {
  @Test func blocks() throws {
    let folder = try Folder()
    let bytes = (0..<1000).map { UInt8($0 % 251) }
    let reader = try FileReader(folder.write("f", bytes))
    #expect(reader.count == 1000)
    for size in [1, 7, 64, 1000, 5000] {
      var found: [UInt8] = []
      try reader.forEachBlock(in: 3..<998, blockSize: size) { block in
        #expect(block.byteCount <= size)
        found += block.array
      }
      #expect(found == Array(bytes[3..<998]))
    }
    var calls = 0
    try reader.forEachBlock(in: 5..<5) { _ in calls += 1 }
    #expect(calls == 0)
    #expect(try reader.bytes(in: 10..<12) == [10, 11])
    #expect(try FileReader.bytes(of: folder.path("f"), limit: 4) == [0, 1, 2, 3])
  }

  @Test func cutWhileItIsRead() throws {
    let folder = try Folder()
    let path = try folder.write("f", [UInt8](repeating: 1, count: 100))
    let reader = try FileReader(path)
    let cut = try AppendFile(path)
    try cut.truncate(to: 40)
    #expect(throws: StorageError.shrank(path, expected: 100, found: 40)) { try reader.bytes(in: 0..<100) }
    #expect(
      "\(StorageError.shrank("f", expected: 100, found: 40))"
        == "f: changed while it was read: expected 100 bytes, found 40")
  }
}
