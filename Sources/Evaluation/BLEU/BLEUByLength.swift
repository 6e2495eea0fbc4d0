/// BLEU of all sentences, and of those whose source has about the same number of words: does a translator get lost in
/// long sentences?
public struct BLEUByLength: Sendable {
  /// The sentences whose source has so many words.
  public struct Bucket: Sendable {
    /// Words of the source, counted at white space.
    public let words: ClosedRange<Int>
    /// Their BLEU.
    public fileprivate(set) var bleu: BLEU
  }

  /// All sentences together.
  public private(set) var all: BLEU
  private var buckets: [Bucket]

  private static let ranges = [0...5, 6...10, 11...15, 16...20, 21...30, 31...40, 41...60, 61...Int.max]

  /// Nothing added yet.
  public init(_ tokenization: BLEUTokenization = .mteval13a, lowercases: Bool = false) {
    all = BLEU(tokenization, lowercases: lowercases)
    let empty = all
    buckets = Self.ranges.map { Bucket(words: $0, bleu: empty) }
  }

  /// The buckets that have sentences, the shortest first.
  public var filled: [Bucket] { buckets.filter { $0.bleu.sentences > 0 } }

  /// Adds a translation, what it should be, and what it was made from.
  public mutating func add(_ translation: [UInt8], reference: [UInt8], source: [UInt8]) {
    var one = BLEU(all.tokenization, lowercases: all.lowercases)
    one.add(translation, reference: reference)
    all.add(one)
    let words = BLEUTokenization.none.words(of: source, lowercased: false).count
    for index in buckets.indices where buckets[index].words.contains(words) { buckets[index].bleu.add(one) }
  }
}
