internal import MiniGPTTensors

/// Corpus BLEU (Papineni et al. 2002, "BLEU: a Method for Automatic Evaluation of Machine Translation", ACL, §2.3), with
/// one reference a sentence, equal to sacreBLEU 2 (Post 2018, arXiv:1804.08771).
///
/// BLEU = b · exp(¼ Σₙ log pₙ), n = 1 … 4: pₙ is the share, in percent, of the translation's n-grams that are in the
/// reference, each counted at most as often as there; b = exp(1 - r / c) punishes translations of c words that are
/// shorter than the references' r. A pₙ without any match becomes 100 / (2ᵏ · n-grams) for the k-th such n, as in NIST's
/// mteval-v13a ("exp" smoothing).
///
/// It is a value that sentences are added to; sums of values are those of their sentences together.
public struct BLEU: Sendable, Equatable {
  /// How sentences are cut into words.
  public let tokenization: BLEUTokenization
  /// Whether capitals and small letters are the same.
  public let lowercases: Bool
  /// Sentences added so far.
  public private(set) var sentences = 0
  /// Words of the translations.
  public private(set) var length = 0
  /// Words of the references.
  public private(set) var referenceLength = 0
  /// n-grams of the translations that are in their references, n from 1 to 4.
  public private(set) var matches = [Int](repeating: 0, count: Self.order)
  /// n-grams of the translations.
  public private(set) var totals = [Int](repeating: 0, count: Self.order)

  /// The longest n-gram.
  public static let order = 4

  /// Nothing added yet.
  public init(_ tokenization: BLEUTokenization = .mteval13a, lowercases: Bool = false) {
    self.tokenization = tokenization
    self.lowercases = lowercases
  }

  /// Adds a translation and what it should be; bytes that are not UTF-8 count as U+FFFD.
  public mutating func add(_ translation: [UInt8], reference: [UInt8]) {
    var numbers: [[Unicode.Scalar]: UInt32] = [:]
    func ids(_ text: [UInt8]) -> [UInt32] {
      tokenization.words(of: text, lowercased: lowercases).map { word in
        if let known = numbers[word] { return known }
        let next = UInt32(numbers.count + 1)
        numbers[word] = next
        return next
      }
    }
    let words = ids(translation), expected = ids(reference)
    sentences += 1
    length += words.count
    referenceLength += expected.count
    for n in 1...Self.order {
      let found = Self.grams(words, n), there = Self.grams(expected, n)
      totals[n - 1] += max(0, words.count - n + 1)
      for (gram, count) in found { matches[n - 1] += min(count, there[gram, default: 0]) }
    }
  }

  /// Adds what another value has counted.
  public mutating func add(_ other: BLEU) {
    sentences += other.sentences
    length += other.length
    referenceLength += other.referenceLength
    for n in 0..<Self.order {
      matches[n] += other.matches[n]
      totals[n] += other.totals[n]
    }
  }

  /// The n-grams of a sentence and how often each occurs; words are numbered from 1, so that 0 is none.
  private static func grams(_ words: [UInt32], _ n: Int) -> [SIMD4<UInt32>: Int] {
    var counts: [SIMD4<UInt32>: Int] = [:]
    for start in 0..<max(0, words.count - n + 1) {
      var gram = SIMD4<UInt32>(repeating: 0)
      for place in 0..<n { gram[place] = words[start + place] }
      counts[gram, default: 0] += 1
    }
    return counts
  }

  /// exp(1 - r / c) where translations are shorter than references, else 1.
  public var brevityPenalty: Double {
    if length >= referenceLength { return 1 }
    return length == 0 ? 0 : Double.exp(1 - Double(referenceLength) / Double(length))
  }

  /// p₁ to p₄ in percent, smoothed; 0 where no translation has so many words, or where nothing matches at all.
  public var precisions: [Double] {
    var result = [Double](repeating: 0, count: Self.order)
    if matches.allSatisfy({ $0 == 0 }) { return result }
    var smoothing = 1.0
    for n in 0..<Self.order {
      if totals[n] == 0 { break }
      if matches[n] == 0 {
        smoothing *= 2
        result[n] = 100 / (smoothing * Double(totals[n]))
      } else {
        result[n] = 100 * Double(matches[n]) / Double(totals[n])
      }
    }
    return result
  }

  /// BLEU, from 0 to 100.
  public var score: Double {
    let precisions = precisions
    if precisions.contains(0) { return 0 }
    return brevityPenalty * Double.exp(precisions.reduce(0) { $0 + Double.log($1) } / Double(Self.order))
  }

  /// How the score was computed, in sacreBLEU's words, so that others can compute the same.
  public var signature: String {
    "nrefs:1|case:\(lowercases ? "lc" : "mixed")|eff:no|tok:\(tokenization.rawValue)|smooth:exp|version:"
      + Self.equalVersion
  }

  /// The version of sacreBLEU that gives these scores.
  public static let equalVersion = "2.6.0"
}
