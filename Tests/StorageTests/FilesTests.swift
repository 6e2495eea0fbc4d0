import Foundation
import Storage
import Testing

@Suite struct FilesTests {
  let folder: TestFolder

  init() throws { folder = try TestFolder() }

  @Test func questions() throws {
    let before = Int64(Date().timeIntervalSince1970) - 10
    let path = try folder.write("abc", "f")
    #expect(Files.exists(path))
    #expect(!Files.exists(folder.file("g")))
    #expect(Files.kind(folder.path) == .folder)
    #expect(Files.size(path) == 3)
    #expect((Files.modificationTime(path) ?? 0) / 1_000_000_000 > before)
    #expect(Files.modificationTime(folder.file("g")) == nil)
    #expect((Files.freeSpace(folder.path) ?? 0) > 0)
    #expect(Files.freeSpace(folder.file("g")) == nil)
  }

  @Test func folders() throws {
    let deep = folder.file("a/b/c")
    try Files.createFolder(deep)
    try Files.createFolder(deep)
    #expect(Files.kind(deep) == .folder)
    let file = try folder.write("x", "f")
    #expect(throws: StorageError.notAFolder(file)) { try Files.createFolder(file) }
    #expect(throws: StorageError.notAFolder(file)) { try Files.list(file) }
    #expect(throws: StorageError.refused(.list, folder.file("no"), .init(code: ENOENT))) {
      try Files.list(folder.file("no"))
    }
    #expect(try folder.names() == ["a", "f"])
    try Files.checkWritable(folder: deep)
    #expect(try Files.list(deep) == [])
    #expect(throws: StorageError.refused(.write, folder.file("no"), .init(code: ENOENT))) {
      try Files.checkWritable(folder: folder.file("no"))
    }
    #expect(throws: StorageError.self) { try Files.checkWritable(folder: "/proc") }
  }

  @Test func remove() throws {
    let path = try folder.write("x", "f")
    try Files.remove(path)
    try Files.remove(path)
    #expect(!Files.exists(path))
    #expect(throws: StorageError.self) { try Files.remove(folder.path) }
  }
}
