package import Foundation
package import MiniGPTStorage
internal import MiniGPTTensors

/// A folder that is gone with the test.
package final class Folder {
  package let url: URL

  package init() throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent("minigpt-" + UUID().uuidString)
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  package func path(_ name: String) -> MiniGPTStorage.Path {
    MiniGPTStorage.Path(url.appendingPathComponent(name).path)
  }

  /// The folder itself.
  package var whole: MiniGPTStorage.Path { MiniGPTStorage.Path(url.path) }

  @discardableResult
  package func write(_ name: String, _ text: String) throws -> MiniGPTStorage.Path { try write(name, Array(text.utf8)) }

  @discardableResult
  package func write(_ name: String, _ bytes: [UInt8]) throws -> MiniGPTStorage.Path {
    try Data(bytes).write(to: url.appendingPathComponent(name))
    return path(name)
  }

  package func read(_ name: String) throws -> [UInt8] { try FileReader.bytes(of: path(name)) }

  /// The names in the folder, hidden ones too.
  package func names() throws -> [String] { try Files.list(whole).map { String(decoding: $0.name, as: UTF8.self) } }

  package func data(_ name: String) throws -> Data { try Data(contentsOf: url.appendingPathComponent(name)) }
}

/// A text with some order in it: the same from run to run.
package func verses(_ lines: Int) -> String {
  let words = ["the", "sea", "is", "deep", "and", "wide", "who", "goes", "there", "night", "falls", "on", "hills"]
  let stream = RandomStream(seed: 11, .dropout, place: 3)
  return (0..<lines).map { line in
    (0..<6).map { words[stream.integer(below: words.count, line * 6 + $0)] }.joined(separator: " ")
  }.joined(separator: "\n")
}
