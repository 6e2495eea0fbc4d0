/// Which word follows the last n words, and how often: a Markov chain of order n, nothing smoothed.
///
/// First order: P(next | word) = c(word next) / c(word ·). Second order: the same after two words.
struct MarkovTable: Sendable {
  /// How many words are looked at.
  let order: Int
  private var followers: [[String]: [String: Int]] = [:]

  init(order: Int) { self.order = order }

  /// Counts a sentence of words `times` times.
  mutating func count(_ sentence: [String], times: Int = 1) {
    for place in sentence.indices.dropFirst(order) {
      followers[Array(sentence[place - order..<place]), default: [:]][sentence[place], default: 0] += times
    }
  }

  /// The probabilities of the words that followed; empty where nothing ever did.
  func distribution(after context: [String]) -> [String: Double] { shares(followers[context] ?? [:]) }
}

/// Second order with skips: the last word together with each word before it, however far, votes for the next.
///
/// Each pair (earlier word, last word) casts the share in which each word followed it. A mask lets some earlier words
/// vote and silences the others: attention, before it has learned whom to look at.
struct SkipTable: Sendable {
  private var followers: [[String]: [String: Int]] = [:]

  init() {}

  /// Counts a sentence: every word with every one before it, once each.
  mutating func count(_ sentence: [String], times: Int = 1) {
    for place in sentence.indices.dropFirst(2) {
      for earlier in Set(sentence[..<(place - 1)]) {
        followers[[earlier, sentence[place - 1]], default: [:]][sentence[place], default: 0] += times
      }
    }
  }

  /// What the pair of an earlier word and the last one votes for; the votes of a pair sum to 1.
  func votes(of earlier: String, with last: String) -> [String: Double] {
    shares(followers[[earlier, last]] ?? [:])
  }

  /// The sum of the votes of all earlier words that `mask` lets pass, as shares.
  func prediction(
    after context: [String], mask: (String) -> Bool = { _ in true }
  ) -> [String: Double] {
    guard let last = context.last else { return [:] }
    var sum: [String: Double] = [:]
    for earlier in Set(context.dropLast()).sorted() where mask(earlier) {
      sum.merge(votes(of: earlier, with: last), uniquingKeysWith: +)
    }
    let total = sum.values.sorted().reduce(0, +)
    return sum.mapValues { $0 / total }
  }
}

private func shares(_ counts: [String: Int]) -> [String: Double] {
  let total = counts.values.reduce(0, +)
  return counts.mapValues { Double($0) / Double(total) }
}
