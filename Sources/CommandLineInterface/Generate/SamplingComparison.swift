internal import MiniGPT
internal import MiniGPTPlatform

/// One prompt continued in several ways, side by side: what greedy choice, temperatures, top-k and top-p do.
struct SamplingComparison {
  let speaker: Speaker
  let options: SamplingOptions
  let seed: UInt64

  /// Tokens of a continuation where nothing else is said: more would be long columns.
  private static let usualNewTokens = 64

  private static let ways: [(title: String, change: @Sendable (inout SamplingOptions) -> Void)] = [
    ("greedy", { $0.greedy = true }), ("temp 0.5", { $0.temperature = 0.5 }), ("temp 1", { $0.temperature = 1 }),
    ("temp 1.5", { $0.temperature = 1.5 }),
    (
      "temp 1, top-k 20",
      {
        $0.temperature = 1
        $0.topK = 20
      }
    ),
    (
      "temp 1, top-p 0.9",
      {
        $0.temperature = 1
        $0.topP = 0.9
      }
    ),
  ]

  /// Rows that fit into `width`. Nil when interrupted.
  func rows(_ prompt: [Int32], width: Int) throws -> [String]? {
    var texts: [(title: String, text: String)] = []
    for (title, change) in Self.ways {
      var options = options
      options.newTokens = options.newTokens ?? Self.usualNewTokens
      change(&options)
      var text: [UInt8] = []
      let answer = try speaker.say(prompt, options, seed: seed, sample: 0) { text += $0 }
      if answer.end == .interrupted { return nil }
      texts.append((title, EscapedText.string(text, layout: .lines).replacing("\t", with: " ")))
    }
    return TextColumns.rows(texts, width: width)
  }
}
