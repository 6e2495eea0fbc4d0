internal import MiniGPT

/// The flags that say how words are chosen; `sample` and `repl` share them.
struct SamplingOptions: Sendable {
  var newTokens = 256
  var temperature = 0.8
  var greedy = false
  var topK = 0
  var topP = 1.0
  var ignoresEnd = false

  /// Whether no chance is in it.
  var isGreedy: Bool { greedy || temperature == 0 || topK == 1 }

  func validate() throws {
    if greedy && temperature != SamplingOptions().temperature && temperature != 0 {
      throw UsageError.contradiction("--greedy is a temperature of 0, and --temp \(shortest(temperature)) another")
    }
  }
}

/// A command that chooses words.
protocol Sampling {
  var sampling: SamplingOptions { get set }
}

extension Section where Owner: Sampling {
  /// The flags of `SamplingOptions`, declared once for every command that has them.
  static var sampling: Self {
    Section(
      "Choice of words",
      [
        .value(
          "max-new-tokens", short: "n", in: \.sampling.newTokens, .integer(1...1_000_000_000),
          "the longest continuation"),
        .value(
          "temp", "temperature", short: "t", in: \.sampling.temperature, .number(0...100),
          "below 1 safer, above 1 wilder; 0 is greedy"),
        .toggle("greedy", in: \.sampling.greedy, "always the likeliest token"),
        .value(
          "top-k", short: "k", in: \.sampling.topK, .integer(0...1_000_000_000), "only the k likeliest; 0 is off"),
        .value(
          "top-p", in: \.sampling.topP, .number(above: 0, upTo: 1),
          "only the likeliest that make up this share; 1 is off"),
        .toggle("ignore-eos", in: \.sampling.ignoresEnd, "goes on where the text would end"),
      ])
  }
}
