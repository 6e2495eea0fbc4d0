internal import MiniGPTPlatform

/// How the rows of a matrix `[B·T, C]` are texts: B of them, T rows each, of which the first few may count alone.
///
/// Rows after a text's end are padding: no query looks at them, and what is computed in them is never used.
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

  /// B·T.
  package var rows: Int { count * length }

  /// How many rows of text `index` count.
  package func length(of index: Int, in memory: Memory) -> Int {
    guard let lengths else { return length }
    return min(length, max(1, Int(memory.index(lengths, index))))
  }
}

/// The token ids of some texts, `[B·T]`; ids after a text's end may be any that the table has.
package struct TokenIDs: Sendable, Equatable {
  package let ids: IndexSlot
  package let texts: Sequences

  package init(_ ids: IndexSlot, _ texts: Sequences) {
    check(ids.count == texts.rows && texts.lengths?.count ?? texts.count == texts.count, "\(texts) in \(ids)")
    self.ids = ids
    self.texts = texts
  }

  /// Places for batches of texts of different lengths, as large as the largest of them.
  package struct Places: Sendable {
    private let ids: IndexSlot
    private let lengths: IndexSlot

    /// Places for at most `texts` texts and, padding counted, `rows` ids.
    package init(texts: Int, rows: Int, in plan: inout MemoryPlan) {
      ids = plan.takeIndices(rows)
      lengths = plan.takeIndices(texts)
    }

    /// The places of one batch; its ids and the lengths of its texts are still to be written.
    package func batch(_ count: Int, length: Int) -> TokenIDs {
      TokenIDs(
        ids.range(0..<count * length), Sequences(count: count, length: length, lengths: lengths.range(0..<count)))
    }
  }

  /// Writes how many tokens of text `index` count, where texts have lengths of their own.
  package func setLength(_ index: Int, _ length: Int, in memory: Memory) {
    if let lengths = texts.lengths { memory.setIndex(lengths, index, Int32(length)) }
  }

  /// Writes the ids of text `index`, then `padding` up to the length of all.
  package func set(_ index: Int, _ text: some Collection<Int32>, padding: Int32, in memory: Memory) {
    setLength(index, text.count, in: memory)
    var place = index * texts.length
    for id in text {
      memory.setIndex(ids, place, id)
      place += 1
    }
    while place < (index + 1) * texts.length {
      memory.setIndex(ids, place, padding)
      place += 1
    }
  }
}
