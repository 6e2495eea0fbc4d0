internal import MiniGPTPlatform

/// B texts of different lengths in rows of T ids each.
///
/// Of row b the first `lengths[b]` ids count; what stands behind them is padding: any id that the table has.
package struct PaddedIDs: Sendable, Equatable {
  /// `[B·T]`
  package let ids: IndexSlot
  /// `[B]`, each from 1 to T.
  package let lengths: IndexSlot
  /// T, at least the longest text's length.
  package let length: Int

  package init(ids: IndexSlot, lengths: IndexSlot, length: Int) {
    check(ids.count == lengths.count * length, "\(lengths.count) texts of \(length) in \(ids)")
    self.ids = ids
    self.lengths = lengths
    self.length = length
  }

  /// B.
  package var count: Int { lengths.count }
}

/// Places for batches of texts of different lengths, as large as the largest of them.
package struct PaddedPlaces: Sendable {
  package let ids: IndexSlot
  package let lengths: IndexSlot

  /// Places for at most `texts` texts and, padding counted, `rows` ids; the first one is `start`.
  package init(texts: Int, rows: Int, from start: Int = 0) {
    ids = IndexSlot(offset: start, count: rows)
    lengths = IndexSlot(offset: start + rows, count: texts)
  }

  /// The first place behind them.
  package var end: Int { lengths.offset + lengths.count }

  /// The places of one batch.
  package func batch(_ count: Int, length: Int) -> PaddedIDs {
    PaddedIDs(ids: ids.range(0..<count * length), lengths: lengths.range(0..<count), length: length)
  }
}
