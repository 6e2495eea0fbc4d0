internal import MiniGPTPlatform
internal import MiniGPTTensors

/// Batches of pairs of about the same lengths, about so many tokens each, in an order that a seed decides.
///
/// Every epoch shuffles the pairs, sorts them by the length of the target, then of the source (so that little of a batch
/// is padding, and pairs of the same lengths meet others each time), cuts batches off, and shuffles those. The epoch and
/// the place in it are all that a checkpoint need keep: they follow from the number of batches taken, by `seek`.
package struct PairBatches: Sendable {
  /// Pairs that are computed together.
  package struct Batch: Sendable, Equatable {
    /// Places in `order`.
    package let range: Range<Int>
    /// Of the longest source and target, `</s>` included.
    package let sourceLength: Int
    package let targetLength: Int

    package var count: Int { range.count }
  }

  package let pairs: EncodedPairs
  /// No side of a batch has more tokens, padding and `</s>` included; a pair that has more by itself is a batch alone.
  package let tokens: Int
  /// How often each pair stands in its batch: twice where two predictions of it are compared.
  package let copies: Int
  private let seed: UInt64?
  /// The places of the pairs in `EncodedPairs`, as this epoch has them.
  package private(set) var order: [Int32]
  /// In the order in which they are taken.
  package private(set) var batches: [Batch] = []
  package private(set) var epoch = 0
  /// The batch of the epoch that comes next.
  package private(set) var next = 0
  private var spare: [Int32]
  private var counts: [Int]

  /// Without a seed nothing is shuffled: batches come from the shortest to the longest, as evaluation takes them.
  package init(_ pairs: EncodedPairs, tokens: Int, copies: Int = 1, seed: UInt64?) {
    check(pairs.count > 0, "batches of no pairs")
    self.pairs = pairs
    self.tokens = tokens
    self.copies = copies
    self.seed = seed
    order = [Int32](repeating: 0, count: pairs.count)
    spare = order
    let longest = max(pairs.sourceCounts.max() ?? 0, pairs.targetCounts.max() ?? 0)
    counts = [Int](repeating: 0, count: Int(longest) + 2)
    // Room for the worst epoch, so that none of them allocates.
    batches.reserveCapacity(pairs.count)
    plan()
  }

  /// The next batch; behind the last one of an epoch the next epoch begins.
  package mutating func take() -> Batch {
    if next == batches.count {
      epoch += 1
      plan()
    }
    next += 1
    return batches[next - 1]
  }

  /// Goes to where `taken` batches have been taken from the start.
  package mutating func seek(_ taken: Int) {
    epoch = 0
    plan()
    var left = taken
    while left > batches.count {
      left -= batches.count
      epoch += 1
      plan()
    }
    next = left
  }

  // MARK: - An epoch

  private mutating func plan() {
    next = 0
    for place in order.indices { order[place] = Int32(place) }
    if let seed { Self.shuffle(&order, RandomStream(seed: seed, .pairs), epoch) }
    sort(by: pairs.sourceCounts)
    sort(by: pairs.targetCounts)
    cut()
    if let seed { Self.shuffle(&batches, RandomStream(seed: seed, .batches), epoch) }
  }

  /// Fisher and Yates, as Durstenfeld has it (1964, algorithm 235). Not a method of a value, which would be copied with
  /// its lists.
  private static func shuffle<Element>(_ list: inout [Element], _ stream: RandomStream, _ epoch: Int) {
    for last in stride(from: list.count - 1, to: 0, by: -1) {
      list.swapAt(last, stream.integer(below: last + 1, last, step: epoch))
    }
  }

  /// Sorts `order` by counting; what is equal keeps its order.
  private mutating func sort(by lengths: [Int32]) {
    for length in counts.indices { counts[length] = 0 }
    for pair in order { counts[Int(lengths[Int(pair)]) + 1] += 1 }
    for length in 1..<counts.count { counts[length] += counts[length - 1] }
    for pair in order {
      let length = Int(lengths[Int(pair)])
      spare[counts[length]] = pair
      counts[length] += 1
    }
    swap(&order, &spare)
  }

  private mutating func cut() {
    batches.removeAll(keepingCapacity: true)
    var start = 0, source = 0, target = 0
    for place in order.indices {
      let pair = Int(order[place])
      let longerSource = max(source, Int(pairs.sourceCounts[pair]) + 1)
      let longerTarget = max(target, Int(pairs.targetCounts[pair]) + 1)
      if place > start, max(longerSource, longerTarget) * (place - start + 1) * copies > tokens {
        batches.append(Batch(range: start..<place, sourceLength: source, targetLength: target))
        start = place
        source = Int(pairs.sourceCounts[pair]) + 1
        target = Int(pairs.targetCounts[pair]) + 1
      } else {
        source = longerSource
        target = longerTarget
      }
    }
    batches.append(Batch(range: start..<order.count, sourceLength: source, targetLength: target))
  }
}
