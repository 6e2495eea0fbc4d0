import MiniGPTCounting
import Testing

@Suite struct NGramModelTests {
  /// Symbols with some order in them, the same from run to run.
  private func text(_ count: Int, alphabet: Int32) -> [Int32] {
    var state: UInt32 = 7, last: Int32 = 0
    return (0..<count).map { _ in
      state = state &* 1_664_525 &+ 1_013_904_223
      let draw = Int32(state >> 28)
      last = draw < 9 ? (last + draw % 3) % alphabet : draw % alphabet
      return last
    }
  }

  @Test(arguments: [1, 2, 3, 5, 8]) func probabilitiesSumToOne(order: Int) {
    let alphabet: Int32 = 7, text = text(400, alphabet: alphabet)
    var model = NGramModel(order: order, alphabet: Int(alphabet) + 1)
    model.count(text.span)
    // Contexts seen and unseen, one with a symbol that never appeared, none at all.
    for context in [[], [3], [7], [1, 2], Array(text[50..<60]), [6, 5, 4, 3, 2, 1, 0], Array(text.suffix(9))] {
      var sums = [Double](repeating: 0, count: order)
      for symbol in 0...alphabet {
        let found = model.probabilities(of: symbol, after: context)
        for n in 0..<order {
          #expect(found[n] > 0)
          sums[n] += found[n]
        }
      }
      for sum in sums { #expect(abs(sum - 1) < 1e-12, "\(context)") }
    }
  }

  /// The formula, written down once more in the plainest way.
  private func plain(_ text: [Int32], _ order: Int, _ alphabet: Int, _ symbol: Int32, after context: [Int32]) -> Double
  {
    func grams(_ length: Int) -> [[Int32]] {
      text.count < length ? [] : (0...text.count - length).map { Array(text[$0..<$0 + length]) }
    }
    func counts(_ length: Int) -> [[Int32]: Int] {
      let all = length == order ? grams(length) : Set(grams(length + 1)).map { Array($0.dropFirst()) }
      return Dictionary(all.map { ($0, 1) }, uniquingKeysWith: +)
    }
    var result = 1 / Double(alphabet)
    for length in 1...order where context.count >= length - 1 {
      let history = Array(context.suffix(length - 1))
      let here = counts(length).filter { Array($0.key.dropLast()) == history }
      let total = Double(here.values.reduce(0, +))
      if total == 0 { break }
      let own = max(Double(here[history + [symbol]] ?? 0) - 0.75, 0)
      result = own / total + 0.75 * Double(here.count) / total * result
    }
    return result
  }

  @Test func agreesWithTheFormula() {
    let text = text(120, alphabet: 4)
    var model = NGramModel(order: 4, alphabet: 5)
    // In pieces, as a large text comes.
    let pieces = [Array(text[..<50]), Array(text[50...])]
    for piece in pieces { model.count(piece.span) }
    for context in [[], [2], [0, 1], Array(text[10..<13]), Array(text[30..<36]), [4, 0, 1], [3, 3, 3]] {
      for symbol: Int32 in 0..<5 {
        let found = model.probabilities(of: symbol, after: context)
        for order in 1...4 {
          #expect(
            abs(found[order - 1] - plain(text, order, 5, symbol, after: context)) < 1e-12,
            "order \(order), \(symbol) after \(context)")
        }
      }
    }
  }

  @Test func sumsOverATextAreThoseOfItsSymbols() {
    let text = text(300, alphabet: 6), held = Array(text[200...])
    var model = NGramModel(order: 3, alphabet: 6)
    let counted = Array(text[..<200])
    model.count(counted.span)
    var expected = [Double](repeating: 0, count: 3)
    for place in 5..<held.count {
      let found = model.probabilities(of: held[place], after: Array(held[..<place]))
      for n in 0..<3 { expected[n] -= logarithm(found[n]) }
    }
    let found = model.nats(held.span, from: 5)
    for n in 0..<3 { #expect(abs(found[n] - expected[n]) < 1e-9) }
    let bytes = held.map { UInt8($0) }
    #expect(model.nats(bytes.span, from: 5) == found)
  }

  @Test func aTextOfItsOwnContinuesNothing() {
    var apart = NGramModel(order: 2, alphabet: 3), together = apart
    let first: [Int32] = [0, 1], second: [Int32] = [2, 1]
    for model in 0..<2 {
      var counted = NGramModel(order: 2, alphabet: 3)
      counted.count(first.span)
      if model == 0 { counted.endText() }
      counted.count(second.span)
      if model == 0 { apart = counted } else { together = counted }
    }
    #expect(apart.gramCount == 5 && together.gramCount == 6)
    let unseen = apart.probabilities(of: 2, after: [1])[1], seen = together.probabilities(of: 2, after: [1])[1]
    #expect(seen > unseen)
  }

  private func logarithm(_ x: Double) -> Double {
    // By Newton's steps on exp, with exp as a series: apart from the library's own.
    var y = 0.0
    for _ in 0..<60 {
      var term = 1.0, sum = 1.0
      for n in 1..<80 {
        term *= y / Double(n)
        sum += term
      }
      y += min(1, x / sum - 1)
    }
    return y
  }
}
