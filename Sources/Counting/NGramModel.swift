internal import MiniGPTPlatform

internal import MiniGPTSystemC

/// n-grams with interpolated Kneser-Ney smoothing: what counting alone knows of a text.
///
/// Kneser and Ney 1995; Chen and Goodman 1999, §2.7, eq. (24), with one discount D. For the gram h w of n symbols,
///
///     P(w | h) = max(c(h w) - D, 0) / c(h ·) + D · |{w : c(h w) > 0}| / c(h ·) · P'(w | h without its first symbol)
///
/// where P' is the same with continuation counts, c'(h w) = |{v : c(v h w) > 0}|: in how many surroundings a gram
/// stands, not how often. Below the single symbols all are equally likely. A context that was never seen is passed over.
///
/// The grams of one model of order n serve those of all lower orders. Memory: some 40 bytes a different gram.
package struct NGramModel: Sendable {
  /// n: a symbol is predicted from the n - 1 before it.
  package let order: Int
  /// How many symbols there are: they are 0 to this less one.
  package let alphabet: Int
  /// D.
  package static let discount = 0.75

  /// What follows a gram.
  private struct Followers {
    var count: UInt32 = 0
    var kinds: UInt32 = 0
    /// The same over continuation counts.
    var continuations: UInt32 = 0
    var continuedKinds: UInt32 = 0
  }

  /// All grams of one length.
  private struct Level {
    var grams = GramTable()
    var counts: [UInt32] = []
    var continuations: [UInt32] = []
    var followers: [Followers] = []
  }

  /// By length; the one gram of length 0 is number 0.
  private var levels: [Level]
  /// The grams that end at the last symbol, by length, up to order - 1.
  private var recent: [UInt32] = [0]

  package init(order: Int, alphabet: Int) {
    check(order >= 1 && alphabet >= 1, "n-grams of order \(order) over \(alphabet) symbols")
    self.order = order
    self.alphabet = alphabet
    levels = [Level](repeating: Level(), count: order + 1)
    levels[0].followers = [Followers()]
  }

  /// How many different grams were counted, of all lengths.
  package var gramCount: Int { levels.reduce(0) { $0 + $1.grams.count } }

  /// Counts symbols behind those that were counted before.
  package mutating func count(_ text: Span<UInt8>) {
    for i in text.indices { count(UInt32(text[i])) }
  }

  /// Counts symbols behind those that were counted before.
  package mutating func count(_ text: Span<Int32>) {
    for i in text.indices { count(UInt32(text[i])) }
  }

  /// What comes next begins a text of its own.
  package mutating func endText() { recent = [0] }

  private mutating func count(_ symbol: UInt32) {
    check(Int(symbol) < alphabet, "symbol \(symbol) of \(alphabet)")
    // `before` and `context` are the grams in front of the symbol, `shorter` is the one that ends with it.
    var before: UInt32 = 0, context: UInt32 = 0, shorter: UInt32 = 0
    let longest = min(order, recent.count)
    for length in 1...longest {
      let longerContext = length < recent.count ? recent[length] : 0
      let (gram, isNew) = levels[length].grams.add(context, symbol)
      if isNew {
        levels[length].counts.append(0)
        if length < order {
          levels[length].continuations.append(0)
          levels[length].followers.append(Followers())
        }
        levels[length - 1].followers[Int(context)].kinds += 1
        // A new surrounding of the gram without its first symbol.
        if length > 1 {
          if levels[length - 1].continuations[Int(shorter)] == 0 {
            levels[length - 2].followers[Int(before)].continuedKinds += 1
          }
          levels[length - 1].continuations[Int(shorter)] += 1
          levels[length - 2].followers[Int(before)].continuations += 1
        }
      }
      levels[length].counts[Int(gram)] += 1
      levels[length - 1].followers[Int(context)].count += 1
      if length < order {
        if length < recent.count { recent[length] = gram } else { recent.append(gram) }
      }
      (before, context, shorter) = (context, longerContext, gram)
    }
  }

  /// Walks through a text and gives, for each order from 1 on, the sum of -log P in nats over the symbols from the
  /// place `first` on, each predicted from all before it.
  package func nats(_ text: Span<UInt8>, from first: Int = 0) -> [Double] {
    nats(text.count, from: first) { UInt32(text[$0]) }
  }

  /// The same for symbols of any alphabet.
  package func nats(_ text: Span<Int32>, from first: Int = 0) -> [Double] {
    nats(text.count, from: first) { UInt32(text[$0]) }
  }

  @inline(__always)
  private func nats(_ count: Int, from first: Int, _ symbol: (Int) -> UInt32) -> [Double] {
    var sums = [Double](repeating: 0, count: order), context = Context(), probabilities = sums
    for i in 0..<count {
      step(&context, symbol(i), &probabilities)
      if i < first { continue }
      for n in 0..<order { sums[n] -= log(probabilities[n]) }
    }
    return sums
  }

  /// P(symbol | context) of every order from 1 on.
  package func probabilities(of symbol: Int32, after context: [Int32]) -> [Double] {
    var state = Context(), result = [Double](repeating: 0, count: order)
    for symbol in context { step(&state, UInt32(symbol), &result) }
    step(&state, UInt32(symbol), &result)
    return result
  }

  /// The grams before a place of a text that were seen, by length.
  private struct Context {
    var grams: [UInt32] = [0]
    var next: [UInt32] = []
  }

  /// Predicts a symbol with every order, then goes past it.
  @inline(__always)
  private func step(_ context: inout Context, _ symbol: UInt32, _ probabilities: inout [Double]) {
    check(Int(symbol) < alphabet, "symbol \(symbol) of \(alphabet)")
    var lower = 1 / Double(alphabet), isSeen = true
    context.next.removeAll(keepingCapacity: true)
    context.next.append(0)
    for length in 1...order {
      if length > context.grams.count {
        probabilities[length - 1] = lower
        continue
      }
      let before = context.grams[length - 1], followers = levels[length - 1].followers[Int(before)]
      let found = levels[length].grams.find(before, symbol)
      probabilities[length - 1] = Self.interpolate(
        found.map { levels[length].counts[Int($0)] } ?? 0, followers.count, followers.kinds, lower)
      if length < order {
        lower = Self.interpolate(
          found.map { levels[length].continuations[Int($0)] } ?? 0, followers.continuations,
          followers.continuedKinds, lower)
        isSeen = isSeen && found != nil
        if isSeen, let found { context.next.append(found) }
      }
    }
    swap(&context.grams, &context.next)
  }

  /// max(c - D, 0) / c(h ·) + D · kinds / c(h ·) · P'; P' itself where the context has no followers.
  @inline(__always)
  private static func interpolate(_ count: UInt32, _ total: UInt32, _ kinds: UInt32, _ lower: Double) -> Double {
    if total == 0 { return lower }
    return (max(Double(count) - discount, 0) + discount * Double(kinds) * lower) / Double(total)
  }
}
