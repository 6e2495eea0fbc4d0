/// The distinct pieces as sequences of tokens, with every pair of neighbours counted and found at once.
///
/// A token stands at the place of its first byte. Each place knows its pair (this token and the next one of the piece),
/// and all places of a pair are linked, so that a merge touches only what it changes, however long the piece is:
/// 24 bytes for each byte of the distinct pieces, and no more as merges go on.
struct PairMerger {
  private struct Place {
    /// The token that begins here; meaningful where one does.
    var first: Int32
    /// The token that ends here; meaningful where one does.
    var last: Int32
    var piece: Int32
    /// The pair that begins here, -1 for none.
    var pair: Int32 = -1
    var next: Int32 = -1
    var previous: Int32 = -1
  }

  private struct Pair {
    let key: UInt64
    var count: Int64 = 0
    var head: Int32 = -1
    var tail: Int32 = -1
    var isQueued = false
  }

  private var places: [Place] = []
  private let weights: [Int64]
  private var pairs: [Pair] = []
  private var table = PairTable(capacity: 4096)
  private var queue = PairQueue()
  private var changed: [Int32] = []
  private var found: [Int32] = []
  private var lengths: [Int32]
  private let maximumLength: Int

  /// `byteIds` are the ids of the 256 bytes; later ids follow in `merge`.
  init(_ counts: PieceCounts, byteIds: [Int32], maximumLength: Int) {
    weights = counts.counts
    lengths = [Int32](repeating: 1, count: byteIds.count)
    self.maximumLength = maximumLength
    let bytes = counts.pieces.bytes
    places.reserveCapacity(bytes.count)
    for piece in 0..<counts.pieces.count {
      for place in counts.pieces.range(piece) {
        let id = byteIds[Int(bytes[place])]
        places.append(Place(first: id, last: id, piece: Int32(piece)))
      }
    }
    for place in 1..<max(1, places.count) where places[place - 1].piece == places[place].piece {
      link(place - 1, places[place - 1].first, places[place].first, weights[Int(places[place].piece)])
    }
    enqueueChanged()
  }

  /// The pair to merge next and its count; nil when none is left.
  mutating func next() -> (left: Int32, right: Int32, count: Int64)? {
    while let top = queue.pop() {
      let pair = Int(top.pair)
      let count = pairs[pair].count
      if count <= 0 { continue }
      if count != top.count {
        queue.push(.init(count: count, key: top.key, pair: top.pair))
        continue
      }
      return (Int32(truncatingIfNeeded: top.key >> 32), Int32(truncatingIfNeeded: top.key), count)
    }
    return nil
  }

  /// Puts `id` in the place of every such pair, from left to right.
  mutating func merge(_ left: Int32, _ right: Int32, into id: Int32) {
    let pair = table[PairTable.key(left, right)]
    if pair < 0 { return }
    let leftLength = Int(lengths[Int(left)])
    let length = leftLength + Int(lengths[Int(right)])
    if Int(id) == lengths.count { lengths.append(Int32(length)) }
    collect(pair)
    for start in found {
      let start = Int(start)
      // A neighbour's merge may have taken it.
      if places[start].pair != pair { continue }
      replace(start, start + leftLength, start + length, by: id)
    }
    enqueueChanged()
  }

  /// Gathers the places of a pair in ascending order into `found`.
  private mutating func collect(_ pair: Int32) {
    found.removeAll(keepingCapacity: true)
    var place = pairs[Int(pair)].head
    var isSorted = true
    while place >= 0 {
      if let last = found.last, last > place { isSorted = false }
      found.append(place)
      place = places[Int(place)].next
    }
    // Only where a token came about in a second way.
    if !isSorted { found.sort() }
  }

  /// Merges the token at `start` with the one from `middle` to `end`.
  @inline(__always)
  private mutating func replace(_ start: Int, _ middle: Int, _ end: Int, by id: Int32) {
    let piece = places[start].piece
    let weight = weights[Int(piece)]
    let hasBefore = start > 0 && places[start - 1].piece == piece
    let hasAfter = end < places.count && places[end].piece == piece
    unlink(start, weight)
    if hasAfter { unlink(middle, weight) }
    places[start].first = id
    places[end - 1].last = id
    if hasBefore {
      let token = places[start - 1].last
      let before = start - Int(lengths[Int(token)])
      unlink(before, weight)
      link(before, token, id, weight)
    }
    if hasAfter { link(start, id, places[end].first, weight) }
  }

  /// Notes that the pair of `left` and `right` begins at `place`, unless its token would be too long.
  @inline(__always)
  private mutating func link(_ place: Int, _ left: Int32, _ right: Int32, _ weight: Int64) {
    if Int(lengths[Int(left)]) + Int(lengths[Int(right)]) > maximumLength { return }
    let key = PairTable.key(left, right)
    let pair = Int(table.number(of: key, orInsert: Int32(pairs.count)))
    if pair == pairs.count { pairs.append(Pair(key: key)) }
    let tail = pairs[pair].tail
    places[place].pair = Int32(pair)
    places[place].previous = tail
    places[place].next = -1
    if tail >= 0 { places[Int(tail)].next = Int32(place) } else { pairs[pair].head = Int32(place) }
    pairs[pair].tail = Int32(place)
    pairs[pair].count += weight
    if !pairs[pair].isQueued {
      pairs[pair].isQueued = true
      changed.append(Int32(pair))
    }
  }

  /// Forgets the pair that begins at `place`, if any.
  @inline(__always)
  private mutating func unlink(_ place: Int, _ weight: Int64) {
    let own = places[place]
    if own.pair < 0 { return }
    let pair = Int(own.pair)
    pairs[pair].count -= weight
    if own.previous >= 0 { places[Int(own.previous)].next = own.next } else { pairs[pair].head = own.next }
    if own.next >= 0 { places[Int(own.next)].previous = own.previous } else { pairs[pair].tail = own.previous }
    places[place].pair = -1
  }

  private mutating func enqueueChanged() {
    for pair in changed {
      pairs[Int(pair)].isQueued = false
      queue.push(.init(count: pairs[Int(pair)].count, key: pairs[Int(pair)].key, pair: pair))
    }
    changed.removeAll(keepingCapacity: true)
  }
}
