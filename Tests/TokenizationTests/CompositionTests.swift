import MiniGPTParallel
import Testing
import MiniGPTTokenization

@Suite struct CompositionTests {
  let tokenizer: BytePairTokenizer

  init() throws { tokenizer = try PeerFixtures.form("qwen3").tokenizer }

  private func composed(_ text: [UInt8]) throws -> [UInt8] { try tokenizer.decode(tokenizer.encode(text)) }

  /// Unicode Standard Annex 15, and what Swift itself does not move.
  @Test(arguments: [
    ("e\u{301}", "\u{E9}"), ("\u{212B}", "\u{C5}"), ("\u{1E0A}\u{323}", "\u{1E0C}\u{307}"),
    ("\u{1100}\u{1161}\u{11A8}", "\u{AC01}"), ("\u{958}", "\u{915}\u{93C}"), ("\u{301}", "\u{301}"),
    ("x\u{301}\u{F73}", "x\u{F71}\u{F72}\u{301}"), ("caf\u{E9} \u{4E2D}", "caf\u{E9} \u{4E2D}"),
    ("e\u{301}e\u{301}z", "\u{E9}\u{E9}z"), ("", ""),
  ]) func marksAreComposed(text: String, expected: String) throws {
    #expect(try composed(Array(text.utf8)) == Array(expected.utf8))
  }

  @Test func brokenBytesStayAsTheyAre() throws {
    for broken: [UInt8] in [[0x65, 0xCC], [0xCC, 0x81, 0xFF], [0xFF, 0xCC, 0x81], [0xC3, 0x65, 0x80, 0x81]] {
      #expect(try composed(broken) == broken)
    }
    #expect(try composed([0xFF, 0x65, 0xCC, 0x81, 0xCC]) == [0xFF, 0xC3, 0xA9, 0xCC])
  }

  /// Random bytes and marks: what Swift says of the whole text where it is UTF-8, and twice is once.
  @Test func stretchesAreTheWhole() throws {
    let parts = [
      "a", "e", "\u{301}", "\u{323}", "\u{1100}", "\u{1161}", "\u{11A8}", "\u{958}", " ", "\u{B47}", "\u{B3E}",
    ]
    var chance = SmallRandom(5)
    for _ in 0..<3000 {
      let text = (0..<Int.random(in: 0...9, using: &chance)).map { _ in parts.randomElement(using: &chance) ?? "" }
        .joined()
      let once = try composed(Array(text.utf8))
      // Strings are equal where their normal forms are.
      #expect(String(decoding: once, as: UTF8.self) == text)
      #expect(try composed(once) == once)
    }
  }

  /// Parts of a text, streamed or for several threads, give the ids of the whole.
  @Test(arguments: [1, 2]) func partsGiveTheIdsOfTheWhole(threads: Int) throws {
    let unit = try PeerFixtures.read().hurting.joined(separator: "a\u{958}\n\n e\u{301} z ")
    let text = Array(String(repeating: unit, count: 300 / unit.utf8.count * 1000 + 40).utf8)
    let whole = try tokenizer.encode(text)
    var ids: [Int32] = []
    try tokenizer.encode(.bytes(text), pool: WorkerPool(threads: threads), partSize: 50, failure: { $0 }) {
      (part, _) throws(TokenizerError) in ids += part
    }
    #expect(ids == whole)
    for allowSpecial in [false, true] {
      var encoder = StreamingEncoder(tokenizer, allowSpecial: allowSpecial)
      ids = []
      for start in stride(from: 0, to: text.count, by: 999) {
        try encoder.push(Array(text[start..<min(start + 999, text.count)]), into: &ids)
      }
      try encoder.finish(into: &ids)
      #expect(try ids == tokenizer.encode(text, allowSpecial: allowSpecial))
    }
  }

  @Test(arguments: ["e\u{301}", "\u{301}", "\u{1100}\u{1161}", "a"]) func longTextsAreLinear(unit: String) throws {
    let text = Array(String(repeating: unit + " ", count: 1 << 17).utf8)
    let duration = try ContinuousClock().measure { _ = try tokenizer.encode(text) }
    #expect(duration < .seconds(2))
  }
}
