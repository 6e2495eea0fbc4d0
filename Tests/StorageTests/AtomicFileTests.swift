import Foundation
import MiniGPTStorage
import MiniGPTTestSupport
import Testing

@Suite struct AtomicFileTests {
  let folder: Folder

  init() throws { folder = try Folder() }

  @Test func appearsAtOnce() throws {
    try folder.write("f", "old")
    var file = try AtomicFile(folder.path("f"))
    try file.append(Array("____ world".utf8))
    try file.overwrite(at: 0, Array("new,".utf8).rawBytes)
    #expect(try folder.read("f") == Array("old".utf8))
    #expect(try folder.names().count == 2)
    #expect(file.count == 10)
    try file.commit()
    #expect(try folder.read("f") == Array("new, world".utf8))
    #expect(try folder.names() == ["f"])
  }

  @Test func droppedLeavesNothing() throws {
    try folder.write("f", "old")
    func begin() throws {
      var file = try AtomicFile(folder.path("f"))
      try file.append(Array("half".utf8))
    }
    try begin()
    #expect(try folder.names() == ["f"])
    #expect(try folder.read("f") == Array("old".utf8))
  }

  @Test func emptyFile() throws {
    try AtomicFile.write([UInt8]().rawBytes, to: folder.path("e"))
    #expect(try folder.read("e") == [])
  }

  @Test func modeFollowsTheMask() throws {
    try AtomicFile.write(Array("x".utf8).rawBytes, to: folder.path("m"))
    let mask = umask(0)
    umask(mask)
    var information = stat()
    #expect(stat(String(decoding: folder.path("m").bytes, as: UTF8.self), &information) == 0)
    #expect(information.st_mode & 0o777 == 0o666 & ~mask)
  }

  /// Somebody who has the old file mapped keeps seeing the old bytes.
  @Test func mappedReadersKeepTheOldFile() throws {
    let old = try MappedFile(folder.write("f", "old bytes"))
    try AtomicFile.write(Array("n".utf8).rawBytes, to: folder.path("f"))
    #expect(old.bytes.array == Array("old bytes".utf8))
  }

  @Test func linksAreFollowed() throws {
    try Files.createFolder(folder.path("real"))
    try folder.write("real/f", "old")
    let link = String(decoding: folder.path("link").bytes, as: UTF8.self)
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "real/f")
    try AtomicFile.write(Array("new".utf8).rawBytes, to: folder.path("link"))
    #expect(try folder.read("real/f") == Array("new".utf8))
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "real/f")
  }

  /// Also those to a file that is not there yet; a ring leads nowhere.
  @Test func linksToNothingAreFollowed() throws {
    try Files.createFolder(folder.path("real"))
    for (link, target) in [("a", "b"), ("b", "real/f"), ("ring", "ring")] {
      try FileManager.default.createSymbolicLink(
        atPath: "\(folder.path(link))", withDestinationPath: target)
    }
    try AtomicFile.write(Array("new".utf8).rawBytes, to: folder.path("a"))
    #expect(try folder.read("real/f") == Array("new".utf8))
    #expect(throws: StorageError.self) { try AtomicFile.write([UInt8]().rawBytes, to: folder.path("ring")) }
    #expect(try folder.names() == ["a", "b", "real", "ring"])
  }

  @Test func permissionsStay() throws {
    try folder.write("f", "old")
    chmod("\(folder.path("f"))", 0o640)
    try AtomicFile.write(Array("new".utf8).rawBytes, to: folder.path("f"))
    var information = stat()
    #expect(stat("\(folder.path("f"))", &information) == 0 && information.st_mode & 0o777 == 0o640)
  }

  func message(_ path: Path) -> String {
    do {
      let file = try AtomicFile(path)
      return "begun \(file.path)"
    } catch { return "\(error)" }
  }

  @Test func refusals() throws {
    #expect(message(folder.whole) == "\(folder.whole): expected a file, found a folder")
    #expect(message("/dev/null") == "/dev/null: expected a file, found a character device")
    let lost = folder.path("no/such/f")
    #expect(message(lost) == "\(lost): not saved: cannot be created: No such file or directory")
    let long = folder.path(String(repeating: "x", count: 300))
    #expect(message(long).hasPrefix("begun"))
    #expect(throws: StorageError.self) { try AtomicFile.write(([1] as [UInt8]).rawBytes, to: long) }
    #expect(try folder.names() == [])
  }

  @Test func leftoversOfTheKilledAreRemoved() throws {
    let left = ".f.0123456789abcdef.tmp"
    let others = [".f.0123.tmp", ".g.0123456789abcdef.tmp", "f", "f.0123456789abcdef.tmp"]
    for name in [left] + others { try folder.write(name, "x") }
    var file = try AtomicFile(folder.path("f"))
    try file.append(Array("new".utf8))
    try AtomicFile.removeLeftovers(in: folder.whole) { name, _ in name == Array("f".utf8) }
    #expect(try folder.names().count == others.count + 1)
    #expect(!Files.exists(folder.path(left)))
    try file.commit()
    #expect(try folder.read("f") == Array("new".utf8))
    #expect(try folder.names() == others.sorted())
  }

  /// The limit on a file's size stands for a full disk: the write fails in the middle, with nobody's help.
  @Test func fullDiskLeavesTheOldFile() async {
    await #expect(processExitsWith: .success) {
      let folder = try Folder()
      try folder.write("f", "old")
      signal(SIGXFSZ, SIG_IGN)
      var limit = rlimit(rlim_cur: 100_000, rlim_max: 100_000)
      setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
      let half = [UInt8](repeating: 7, count: 65_536)
      var message = ""
      do {
        var file = try AtomicFile(folder.path("f"))
        try file.append(half)
        try file.append(half)
        try file.commit()
      } catch { message = "\(error)" }
      if message != "\(folder.path("f")): not saved: cannot be written: File too large" { fatalError(message) }
      let names = try folder.names()
      if names != ["f"] { fatalError("\(names)") }
      if try folder.read("f") != Array("old".utf8) { fatalError("the old file was touched") }
    }
  }
}
