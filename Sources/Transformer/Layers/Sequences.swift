package import MiniGPTTensors

/// How the rows of a matrix `[B·T, C]` are texts: B of them, T rows each, of which the first few may count alone.
///
/// Rows behind a text's end are padding: no query looks at them, and what is computed in them is never used.
package struct Sequences: Sendable, Equatable {
  /// B.
  package let count: Int
  /// T.
  package let length: Int
  /// How many rows of each text count, `[B]`; nil: all.
  package let lengths: IndexSlot?

  package init(count: Int, length: Int, lengths: IndexSlot? = nil) {
    self.count = count
    self.length = length
    self.lengths = lengths
  }

  package init(_ texts: PaddedIDs) { self.init(count: texts.count, length: texts.length, lengths: texts.lengths) }

  /// B·T.
  package var rows: Int { count * length }

  /// How many rows of text `index` count.
  func length(of index: Int, in memory: Memory) -> Int {
    guard let lengths else { return length }
    return min(length, max(1, Int(memory.index(lengths, index))))
  }
}
