internal import MiniGPTTensors

/// How a translation is searched for.
public struct BeamSearchConfiguration: Equatable, Sendable {
  /// How a sum of log-probabilities becomes a score; long translations would always have the smaller sum.
  public enum LengthPenalty: Equatable, Sendable {
    /// Divided by ((5 + length) / 6)^α: Wu et al. 2016 (arXiv:1609.08144), eq. (14); the paper's α is 0.6.
    case gnmt(Double)
    /// Divided by length^α, as fairseq and transformers do.
    case power(Double)
  }

  /// Translations that are followed at a time; 1 is greedy.
  public var beam = 4
  /// Lengths are in tokens, `</s>` included.
  public var lengthPenalty = LengthPenalty.gnmt(0.6)
  /// How many translations of a sentence are given, at most `beam`.
  public var hypotheses = 1
  /// A translation has at most this many tokens more than its source, `</s>` included (Vaswani et al. 2017, §6.1), and
  /// never more than the model's context.
  public var extraLength = 50
  /// Whether a search ends as soon as `beam` translations have; otherwise when none that runs scores higher, at its
  /// present length, than the worst of them.
  public var stopsEarly = false

  /// Four at a time, the paper's length penalty.
  public init() {}

  /// The score of a translation.
  package func score(_ logProbability: Double, length: Int) -> Double {
    switch lengthPenalty {
    case .gnmt(let alpha): logProbability / Double.pow((5 + Double(length)) / 6, alpha)
    case .power(let alpha): logProbability / Double.pow(Double(length), alpha)
    }
  }
}

/// A translation of a sentence.
public struct Translation: Equatable, Sendable {
  /// Its tokens, `</s>` left out.
  public let ids: [Int32]
  /// The sum of log-probabilities over the length penalty.
  public let score: Double
  /// The sum of the log-probabilities of all tokens, `</s>` included.
  public let logProbability: Double
}
