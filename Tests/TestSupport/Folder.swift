package import Foundation
package import Storage
import Tensors

/// A folder that is gone with the test.
package final class Folder {
  package let url: URL

  package init() throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent("minigpt-" + UUID().uuidString)
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  package func path(_ name: String) -> Storage.Path { Storage.Path(url.appendingPathComponent(name).path) }

  package func write(_ name: String, _ text: String) throws -> Storage.Path {
    try Data(text.utf8).write(to: url.appendingPathComponent(name))
    return path(name)
  }

  package func data(_ name: String) throws -> Data { try Data(contentsOf: url.appendingPathComponent(name)) }
}

/// A text with some order in it: the same from run to run.
package func verses(_ lines: Int) -> String {
  let words = ["the", "sea", "is", "deep", "and", "wide", "who", "goes", "there", "night", "falls", "on", "hills"]
  let stream = RandomStream(seed: 11, site: 3)
  return (0..<lines).map { line in
    (0..<6).map { words[stream.integer(below: words.count, line * 6 + $0)] }.joined(separator: " ")
  }.joined(separator: "\n")
}
