import Foundation
import MiniGPTStorage
import MiniGPTTestSupport
import Testing

@Suite struct FilesTests {
  let folder: Folder

  init() throws { folder = try Folder() }

  @Test func questions() throws {
    let before = Int64(Date().timeIntervalSince1970) - 10
    let path = try folder.write("f", "abc")
    #expect(Files.exists(path))
    #expect(!Files.exists(folder.path("g")))
    #expect(Files.kind(folder.whole) == .folder)
    #expect(Files.size(path) == 3)
    #expect((Files.modificationTime(path) ?? 0) / 1_000_000_000 > before)
    #expect(Files.modificationTime(folder.path("g")) == nil)
  }

  @Test func folders() throws {
    let deep = folder.path("a/b/c")
    try Files.createFolder(deep)
    try Files.createFolder(deep)
    #expect(Files.kind(deep) == .folder)
    let file = try folder.write("f", "x")
    #expect(throws: StorageError.notAFolder(file)) { try Files.createFolder(file) }
    #expect(throws: StorageError.notAFolder(file)) { try Files.list(file) }
    #expect(throws: StorageError.refused(.list, folder.path("no"), .init(code: ENOENT))) {
      try Files.list(folder.path("no"))
    }
    #expect(try folder.names() == ["a", "f"])
  }

  @Test func remove() throws {
    let path = try folder.write("f", "x")
    try Files.remove(path)
    try Files.remove(path)
    #expect(!Files.exists(path))
    #expect(throws: StorageError.self) { try Files.remove(folder.whole) }
  }
}
