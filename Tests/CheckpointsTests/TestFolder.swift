import Foundation
import Storage

/// A folder of its own for one test, gone with it.
final class TestFolder {
  let path: Path

  init() throws {
    let url = FileManager.default.temporaryDirectory.appending(path: "minigpt-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = Path(url.path(percentEncoded: false))
  }

  deinit { try? FileManager.default.removeItem(atPath: String(decoding: path.bytes, as: UTF8.self)) }

  func file(_ name: String) -> Path { path.appending(name) }

  @discardableResult
  func write(_ bytes: [UInt8], _ name: String) throws -> Path {
    try Data(bytes).write(to: URL(fileURLWithPath: String(decoding: file(name).bytes, as: UTF8.self)))
    return file(name)
  }

  @discardableResult
  func write(_ text: String, _ name: String) throws -> Path { try write(Array(text.utf8), name) }

  func read(_ name: String) throws -> [UInt8] { try FileReader.bytes(of: file(name)) }

  /// The names in the folder, hidden ones too.
  func names() throws -> [String] {
    try Files.list(path).map { String(decoding: $0.name, as: UTF8.self) }
  }
}
