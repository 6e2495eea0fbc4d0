internal import MiniGPT

/// The flags that say how words are chosen; `sample` and `repl` share them.
struct SamplingOptions: Sendable {
  /// Nil where the command decides.
  var newTokens: Int?
  var temperature = 0.8
  var greedy = false
  var topK = 0
  var topP = 1.0
  var minP = 0.0
  var repetitionPenalty = 1.0
  var stops: [[UInt8]] = []
  var ignoresEnd = false
  /// Whether the names of special tokens in a prompt become their ids.
  var allowsSpecial = false

  static let usualNewTokens = 256

  /// Whether no chance is in it.
  var isGreedy: Bool { greedy || temperature == 0 || topK == 1 }

  func validate() throws {
    if greedy && temperature != SamplingOptions().temperature && temperature != 0 {
      throw UsageError.contradiction("--greedy is a temperature of 0, and --temp \(shortest(temperature)) another")
    }
    for stop in stops {
      if stop.isEmpty { throw UsageError.contradiction("--stop needs a text, and an empty one stops everything") }
      if !String(decoding: stop, as: UTF8.self).utf8.elementsEqual(stop) {
        throw UsageError.contradiction("--stop needs UTF-8 text, and \(quoted(stop)) is none: no answer could match it")
      }
    }
  }

  func configuration(seed: UInt64) -> SamplingConfiguration {
    var result = SamplingConfiguration()
    result.repetitionPenalty = Float(repetitionPenalty)
    result.temperature = greedy ? 0 : Float(temperature)
    result.topK = topK
    result.topP = Float(topP)
    result.minP = Float(minP)
    result.seed = seed
    return result
  }
}

/// A command that chooses words.
protocol Sampling {
  var sampling: SamplingOptions { get set }
}

extension Section where Owner: Sampling {
  /// The flags of `SamplingOptions`, declared once for every command that has them, in the order in which they work.
  static var sampling: Self {
    Section(
      "Choice of words",
      [
        .optional(
          "max-new-tokens", short: "n", in: \.sampling.newTokens, .integer(1...1_000_000_000),
          else: "\(SamplingOptions.usualNewTokens)", "the longest continuation"),
        .value(
          "repetition-penalty", in: \.sampling.repetitionPenalty, .number(above: 0, upTo: 100),
          "above 1, what was there before becomes less likely; 1 is off"),
        .value(
          "temp", "temperature", short: "t", in: \.sampling.temperature, .number(0...100),
          "below 1 safer, above 1 wilder; 0 is greedy"),
        .toggle("greedy", in: \.sampling.greedy, "always the likeliest token"),
        .value(
          "top-k", short: "k", in: \.sampling.topK, .integer(0...1_000_000_000), "only the k likeliest; 0 is off"),
        .value(
          "top-p", in: \.sampling.topP, .number(0...1), "only the likeliest that make up this share; 1 is off"),
        .value(
          "min-p", in: \.sampling.minP, .number(0...1),
          "only those at least this share as likely as the likeliest; 0 is off"),
        .list(
          "stop", in: \.sampling.stops, .text, else: "none", "ends where this text would appear, and leaves it out"),
        .toggle("ignore-eos", in: \.sampling.ignoresEnd, "goes on where the text would end"),
        .toggle(
          "allow-special", in: \.sampling.allowsSpecial, "names of special tokens in a prompt become those tokens"),
      ])
  }
}
