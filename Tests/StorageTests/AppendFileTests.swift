import MiniGPTStorage
import MiniGPTTestSupport
import Testing

@Suite struct AppendFileTests {
  func lines(_ file: borrowing AppendFile) throws -> [String] {
    var lines: [String] = []
    try file.forEachLine { line, end in
      lines.append("\(String(decoding: line.array, as: UTF8.self)) \(end)")
      return true
    }
    return lines
  }

  @Test func growsAndIsCut() throws {
    let folder = try Folder()
    let file = try AppendFile(folder.path("log"))
    #expect(try lines(file) == [])
    try file.append(line: "one")
    try file.append(line: "")
    try file.append(line: "three")
    try file.flush()
    #expect(try lines(file) == ["one 4", " 5", "three 11"])
    try file.truncate(to: 5)
    try file.append(line: "two")
    #expect(try folder.read("log") == Array("one\n\ntwo\n".utf8))
    try file.truncate(to: 100)
    #expect(try file.count() == 9)
  }

  @Test func halfALineIsNotHandedOut() throws {
    let folder = try Folder()
    let file = try AppendFile(folder.write("log", "one\ntw"))
    #expect(try lines(file) == ["one 4"])
    var seen = 0
    try file.forEachLine { _, _ in
      seen += 1
      return false
    }
    #expect(seen == 1)
  }

  @Test func refusals() throws {
    let folder = try Folder()
    #expect(throws: StorageError.notAFile(folder.whole, .folder)) { _ = try AppendFile(folder.whole) }
    #expect(throws: StorageError.self) { _ = try AppendFile(folder.path("no/log")) }
  }
}
