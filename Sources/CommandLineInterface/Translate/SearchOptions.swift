internal import MiniGPT

/// The flags that say how translations are searched for and compared.
struct SearchOptions: Sendable {
  var beam = 4
  var lengthPenalty = 0.6
  var penaltyForm = PenaltyForm.paper
  var tokenization = BLEUTokenization.mteval13a
  var lowercases = false

  /// How a length becomes a penalty.
  enum PenaltyForm: String, CaseIterable, Sendable {
    /// ((5 + length) / 6)^F, as the paper has it.
    case paper
    /// length^F, as fairseq has it.
    case fairseq
  }

  var configuration: BeamSearchConfiguration {
    var result = BeamSearchConfiguration()
    result.beam = beam
    result.lengthPenalty = penaltyForm == .paper ? .gnmt(lengthPenalty) : .power(lengthPenalty)
    return result
  }
}

/// A command that translates.
protocol Searching {
  var search: SearchOptions { get set }
}

extension Option where Owner: Searching {
  static var search: [Option<Owner>] {
    [
      .value("beam", in: \.search.beam, .integer(1...256), "translations that are followed at a time; 1 is greedy"),
      .value("length-penalty", in: \.search.lengthPenalty, .number(0...10), "how much long translations are favoured"),
      .value(
        "penalty-form", in: \.search.penaltyForm, .choice,
        "scores are divided by ((5 + length) / 6)^F, or by length^F"),
    ]
  }

  static var comparison: [Option<Owner>] {
    [
      .value("tokenize", in: \.search.tokenization, .choice, "how BLEU cuts words; none for tokenised text"),
      .toggle("lowercase", in: \.search.lowercases, "BLEU without regard to capitals"),
    ]
  }
}
