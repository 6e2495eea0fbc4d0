import Foundation
import MiniGPTStorage
import MiniGPTTestSupport
import Testing

@Suite struct OutputsTests {
  let folder: Folder

  init() throws { folder = try Folder() }

  @Test func whatIsReadIsNotWritten() throws {
    let text = try folder.write("text", "x")
    try FileManager.default.linkItem(atPath: "\(text)", toPath: "\(folder.path("hard"))")
    try FileManager.default.createSymbolicLink(atPath: "\(folder.path("soft"))", withDestinationPath: "text")
    let outputs = Outputs(reading: [text])
    for name in ["text", "hard", "soft"] {
      #expect(throws: OutputRefusal.read(folder.path(name), as: text)) {
        try outputs.claim(folder.path(name), replaces: true, waysOn: "")
      }
    }
    // A folder that is read stands for its files.
    let whole = Outputs(reading: [folder.whole])
    #expect(throws: OutputRefusal.self) { try whole.claim(text, replaces: true, waysOn: "") }
  }

  @Test func whatIsThereStaysUnlessAsked() throws {
    let old = try folder.write("old", "x"), outputs = Outputs(reading: [])
    #expect(throws: OutputRefusal.exists(old, waysOn: "go away")) {
      try outputs.claim(old, replaces: false, waysOn: "go away")
    }
    try outputs.claim(old, replaces: true, waysOn: "")
    try outputs.claim(folder.path("new"), replaces: false, waysOn: "")
    // Nothing is written twice, under whatever name.
    try FileManager.default.createSymbolicLink(atPath: "\(folder.path("soft"))", withDestinationPath: "old")
    #expect(throws: OutputRefusal.twice(folder.path("soft"), old)) {
      try outputs.claim(folder.path("soft"), replaces: true, waysOn: "")
    }
    #expect(throws: OutputRefusal.self) { try outputs.claim(folder.path("new"), replaces: false, waysOn: "") }
  }

  @Test func whatCannotBeAFileIsRefused() throws {
    let outputs = Outputs(reading: [])
    #expect(throws: StorageError.notAFile("/dev/null", .characterDevice)) {
      try outputs.claim("/dev/null", replaces: true, waysOn: "")
    }
    let long = folder.path(String(repeating: "x", count: 256))
    #expect(throws: StorageError.refused(.create, long, .nameTooLong)) { try outputs.check(nameOf: long) }
  }

  /// One owner at a time; the name is free again when the owner is gone, however it went.
  @Test func aNameHasOneOwner() throws {
    let name = folder.path("m")
    do {
      let first = try NameLock(name)
      #expect(throws: StorageError.owned(name)) { _ = try NameLock(name) }
      _ = try NameLock(folder.path("n"))
      withExtendedLifetime(first) {}
    }
    #expect(try folder.names() == [])
    // The lock file of a process that was killed.
    try folder.write(".m.lock", "")
    do { _ = try NameLock(name) }
    #expect(try folder.names() == [])
    let lost = folder.path("no/m")
    #expect(throws: StorageError.refused(.write, folder.path("no"), .noSuchFile)) { _ = try NameLock(lost) }
  }
}
