/// Numbers the pairs (a gram, the symbol that follows it) in the order in which they first appear: an open hash table.
struct GramTable: Sendable {
  private struct Entry {
    var key: UInt64 = 0
    /// One more than the pair's number; 0 is a free place.
    var place: UInt32 = 0
  }

  private(set) var count = 0
  private var entries = [Entry](repeating: Entry(), count: 1 << 6)
  /// The hash's highest bits choose the place.
  private var shift: UInt64 = 64 - 6

  /// The number of a pair; nil where it never appeared.
  func find(_ gram: UInt32, _ symbol: UInt32) -> UInt32? {
    let key = UInt64(gram) << 32 | UInt64(symbol)
    let entry = entries[slot(of: key)]
    return entry.place == 0 ? nil : entry.place - 1
  }

  /// The number of a pair, a new one where it never appeared.
  mutating func add(_ gram: UInt32, _ symbol: UInt32) -> (number: UInt32, isNew: Bool) {
    let key = UInt64(gram) << 32 | UInt64(symbol)
    let slot = slot(of: key)
    if entries[slot].place != 0 { return (entries[slot].place - 1, false) }
    entries[slot] = Entry(key: key, place: UInt32(count + 1))
    count += 1
    // Half of the places stay free, so that walks are short.
    if 2 * count > entries.count { grow() }
    return (UInt32(count - 1), true)
  }

  /// Where a pair stands, or the free place where it would.
  private func slot(of key: UInt64) -> Int {
    var slot = Int((key &* 0x9E37_79B9_7F4A_7C15) >> shift)
    while entries[slot].place != 0 && entries[slot].key != key { slot = (slot + 1) & (entries.count - 1) }
    return slot
  }

  private mutating func grow() {
    let old = entries
    entries = [Entry](repeating: Entry(), count: 2 * old.count)
    shift -= 1
    for entry in old where entry.place != 0 { entries[slot(of: entry.key)] = entry }
  }
}
