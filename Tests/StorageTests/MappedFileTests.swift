import Foundation
import MiniGPTStorage
import MiniGPTTestSupport
import Testing

@Suite struct MappedFileTests {
  let folder: Folder

  init() throws { folder = try Folder() }

  @Test func bytes() throws {
    let file = try MappedFile(folder.write("a", "hello"))
    #expect(file.count == 5)
    #expect(file.bytes.array == Array("hello".utf8))
    #expect(file.bytes.extracting(1..<3).array == Array("el".utf8))
    for access in [MappedFile.Access.sequential, .now, .dontNeed] {
      file.advise(access)
      file.advise(access, 1..<900)
    }
    #expect(file.bytes.array == Array("hello".utf8))
  }

  @Test func empty() throws {
    let file = try MappedFile(folder.write("empty", ""))
    #expect(file.count == 0)
    #expect(file.bytes.byteCount == 0)
    #expect(file.bytes.array == [])
    file.advise(.sequential)
  }

  @Test func numbers() throws {
    let file = try MappedFile(folder.write("n", [1, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 7]))
    #expect(file.bytes.load(Int32.self, at: 0).littleEndian == 1)
    #expect(file.bytes.load(UInt16.self, at: 3).littleEndian == 0xFF00)
    #expect(file.bytes[8] == 7)
    let whole = file.bytes.extracting(0..<8).numbers(Int32.self)?[1]
    let shifted = file.bytes.extracting(1..<9).numbers(Int32.self)?[1]
    let odd = file.bytes.numbers(Int32.self)?[1]
    #expect(whole == -1)
    #expect(shifted == nil)
    #expect(odd == nil)
  }

  func message(_ path: Path) -> String {
    do { return "opened \(try MappedFile(path).count)" } catch { return "\(error)" }
  }

  @Test func refusals() throws {
    let missing = folder.path("missing")
    #expect(message(missing) == "\(missing): cannot be opened: No such file or directory")
    #expect(message(folder.whole) == "\(folder.whole): expected a file, found a folder")
    #expect(message("/dev/zero") == "/dev/zero: expected a file, found a character device")
    #expect(message("") == "expected the name of a file, found an empty one")
    #expect(message(Path(bytes: [97, 0, 98])) == #"a\x00b: a NUL cannot be part of a file's name"#)
    #expect(
      message(try folder.write("f", "x").appending("g")) == "\(folder.path("f/g")): cannot be opened: Not a directory")
    let pipe = folder.path("pipe")
    #expect(mkfifo(String(decoding: pipe.bytes, as: UTF8.self), 0o600) == 0)
    #expect(message(pipe) == "\(pipe): expected a file, found a pipe")
  }

  @Test(.enabled(if: getuid() != 0, "root may read everything")) func unreadable() throws {
    let path = try folder.write("secret", "x")
    #expect(chmod(String(decoding: path.bytes, as: UTF8.self), 0) == 0)
    #expect(message(path) == "\(path): cannot be opened: Permission denied")
  }

  @Test func namesThatAreNotUTF8() throws {
    let path = Path(bytes: folder.whole.bytes + Array("/b".utf8) + [0xFF, 0x1B, 0x0A])
    try AtomicFile.write(Array("here".utf8).rawBytes, to: path)
    #expect(try MappedFile(path).count == 4)
    #expect("\(path)" == "\(folder.whole)/b\\xFF\\x1B\\n")
    #expect(try Files.list(folder.whole) == [path])
  }
}
