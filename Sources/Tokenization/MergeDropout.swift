/// Leaves out merges by chance, so that a word is cut now so, now so: BPE-dropout, Provilkov et al. 2020
/// (arXiv:1910.13267, algorithm 1). Before each merge every pair of neighbours that has a rank is passed over with a
/// probability, drawn anew; of those that are left the lowest is merged, and where none is left the word is done. A word
/// of n bytes costs n² / 2 looks at most.
struct MergeDropout: Sendable {
  /// A pair is passed over where 32 bits fall below this.
  private let threshold: UInt64
  /// Of SplitMix64 (Steele et al. 2014, figure 17).
  private var state: UInt64 = 0

  /// `probability` is from 0 to below 1.
  init(_ probability: Double) { threshold = UInt64(probability * 0x1p32) }

  /// What is drawn for a text is a function of this number.
  mutating func begin(_ number: UInt64) { state = number }

  private mutating func passesOver() -> Bool {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
    return (word ^ word >> 31) >> 32 < threshold
  }

  mutating func merge(_ tokens: inout [Int32], _ tokenizer: BytePairTokenizer) {
    while true {
      var lowest = Int32.max, place = 0
      for index in 1..<max(1, tokens.count) {
        let rank = tokenizer.rank(tokens[index - 1], tokens[index])
        if rank < Int32.max && !passesOver() && rank < lowest { (lowest, place) = (rank, index - 1) }
      }
      if lowest == Int32.max { return }
      tokens[place] = tokenizer.result(tokens[place], tokens[place + 1])
      tokens.remove(at: place + 1)
    }
  }
}

/// Encodes texts with merges left out by chance; the pieces of more than 48 bytes, with all of them.
package struct VaryingEncoder: Sendable {
  private var encoder: BytePairEncoder

  /// - Parameter probability: of leaving out a merge where it could be made, from 0 to below 1.
  package init(_ tokenizer: BytePairTokenizer, probability: Double) {
    encoder = BytePairEncoder(tokenizer, dropout: MergeDropout(probability))
  }

  /// Appends the ids of a text, cut as `number` decides.
  package mutating func encode(
    _ text: Span<UInt8>, _ number: UInt64, into ids: inout [Int32]
  ) throws(TokenizerError) {
    encoder.dropout?.begin(number)
    try encoder.encode(text, into: &ids)
  }
}
