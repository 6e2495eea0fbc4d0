import Foundation
import MiniGPTStorage
import MiniGPTTestSupport
import Testing

@Suite struct AtomicFolderTests {
  let folder: Folder

  init() throws { folder = try Folder() }

  private func write(_ name: String, _ text: String, replacing: Bool = false) throws {
    let target = try AtomicFolder(folder.path(name)), bytes = Array(text.utf8)
    try AtomicFile.write(bytes.rawBytes, to: target.temporary.appending("a"))
    try target.commit(replacing: replacing)
  }

  @Test func appearsWholeOrNotAtAll() throws {
    do {
      let dropped = try AtomicFolder(folder.path("m")), bytes: [UInt8] = [1]
      try AtomicFile.write(bytes.rawBytes, to: dropped.temporary.appending("a"))
      #expect(try folder.names().count == 1)
      #expect(!Files.exists(folder.path("m")))
    }
    #expect(try folder.names() == [])
    try write("m", "one")
    #expect(try folder.names() == ["m"])
    #expect(try folder.read("m/a") == Array("one".utf8))
  }

  @Test func replacesOnlyWhereItIsToldTo() throws {
    try write("m/", "one")
    #expect(throws: StorageError.self) { try write("m", "two") }
    #expect(try folder.read("m/a") == Array("one".utf8))
    try write("m", "two", replacing: true)
    #expect(try folder.read("m/a") == Array("two".utf8))
    #expect(try folder.names() == ["m"])
    // A link to a folder stays a link.
    try FileManager.default.createSymbolicLink(
      atPath: "\(folder.path("link"))", withDestinationPath: "\(folder.path("m"))")
    try write("link", "three", replacing: true)
    #expect(try folder.read("m/a") == Array("three".utf8))
    #expect(try folder.names().sorted() == ["link", "m"])
  }

  @Test func saysWhereItCannotBeMade() throws {
    let error = #expect(throws: StorageError.self) { _ = try AtomicFolder(folder.path("missing/m")) }
    #expect(error?.description.contains("missing/m: not saved: cannot be created") == true)
  }
}
