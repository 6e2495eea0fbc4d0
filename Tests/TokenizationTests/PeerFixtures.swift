import Foundation
import MiniGPTStorage
import MiniGPTTestSupport
import MiniGPTTokenization
import Testing

/// What tokenizers and tiktoken made of texts that are hard to cut: `Tests/Fixtures/tokenizers.json`.
struct PeerFixtures: Decodable, Sendable {
  let texts: [String]
  /// By rule, the lengths of the pieces of each text, in bytes.
  let pieces: [String: [[Int]]]
  /// A text, the merges that Hugging Face's trainer finds in it for 340 ids, and its ids.
  let corpus: String
  let merges: [[Int32]]
  let ids: [Int32]
  /// Texts that are hard to cut and to normalize, with names of added tokens.
  let hurting: [String]
  /// Vocabularies as today's models have them.
  let forms: [Form]

  /// A `tokenizer.json`, and the ids of the texts that hurt.
  struct Form: Decodable, Sendable {
    let name: String
    let file: String
    let ids: [[Int32]]
  }

  /// The vocabulary of that form, and its ids.
  static func form(_ name: String) throws -> (tokenizer: BytePairTokenizer, ids: [[Int32]]) {
    let form = try #require(try read().forms.first { $0.name == name })
    let read = try TokenizerJSON.parse(Array(form.file.utf8).rawBytes, source: name)
    return (try #require(read as? BytePairTokenizer), form.ids)
  }

  static func read() throws -> PeerFixtures { try file.get() }

  /// The corpus, which most tests want.
  static func corpus() throws -> [UInt8] { try Array(read().corpus.utf8) }

  private static let file = Result {
    try JSONDecoder().decode(PeerFixtures.self, from: Fixtures.data("tokenizers.json"))
  }
}
