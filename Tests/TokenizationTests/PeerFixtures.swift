import Foundation
import MiniGPTTestSupport

/// What tokenizers and tiktoken made of texts that are hard to cut: `Tests/Fixtures/tokenizers.json`.
struct PeerFixtures: Decodable, Sendable {
  let texts: [String]
  /// By rule, the lengths of the pieces of each text, in bytes.
  let pieces: [String: [[Int]]]
  /// A text, the merges that Hugging Face's trainer finds in it for 340 ids, and its ids.
  let corpus: String
  let merges: [[Int32]]
  let ids: [Int32]

  static func read() throws -> PeerFixtures { try file.get() }

  /// The corpus, which most tests want.
  static func corpus() throws -> [UInt8] { try Array(read().corpus.utf8) }

  private static let file = Result {
    try JSONDecoder().decode(PeerFixtures.self, from: Fixtures.data("tokenizers.json"))
  }
}
