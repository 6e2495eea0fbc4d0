// Top-p, nucleus sampling: Holtzman, Buys, Du, Forbes, Choi 2020 (arXiv:1904.09751), §3.1, eq. (2).

extension Candidates {
  /// Keeps the smallest number of the likeliest candidates, at least one, whose probabilities reach `mass`.
  mutating func keepMass(_ mass: Double, _ logits: [Float]) {
    let all = total
    if !areSorted { takeThoseThatCount(mass, all) }
    var sum = 0.0, kept = 0
    // Those that are kept gather at the front. Where nothing is sorted yet, the rest is a heap that gives the next.
    if !areSorted { heapify(logits) }
    while kept < ids.count && (kept == 0 || sum < mass * all) {
      if !areSorted { bringNext(to: kept, logits) }
      sum += Double(weights[kept])
      kept += 1
    }
    cut(to: kept)
    areSorted = true
  }

  /// Leaves out what can be in no nucleus: the n candidates from the first one below (1 - p) / n of the mass on have less
  /// than 1 - p together, so that p is reached before it.
  private mutating func takeThoseThatCount(_ mass: Double, _ all: Double) {
    let least = Float(0.999 * (1 - mass) * all / Double(max(1, ids.count)))
    var count = 0
    for index in ids.indices where weights[index] >= least {
      ids[count] = ids[index]
      weights[count] = weights[index]
      count += 1
    }
    cut(to: max(count, min(1, ids.count)))
  }

  // The heap lies backwards at the end of the list, its root last: what is taken from it goes to the front, and the heap
  // shrinks at its far end. `place` maps a heap's index to the list's.

  private mutating func heapify(_ logits: [Float]) {
    for index in stride(from: ids.count / 2 - 1, through: 0, by: -1) { sink(index, count: ids.count, logits) }
  }

  /// Swaps the root with the element at the front, which is the heap's last one.
  private mutating func bringNext(to front: Int, _ logits: [Float]) {
    let root = ids.count - 1
    ids.swapAt(front, root)
    weights.swapAt(front, root)
    sink(0, count: ids.count - front - 1, logits)
  }

  private mutating func sink(_ start: Int, count: Int, _ logits: [Float]) {
    let end = ids.count - 1
    var parent = start
    while true {
      let left = 2 * parent + 1, right = left + 1
      var top = parent
      if left < count && LogitHeap.isLikelier(ids[end - left], ids[end - top], logits) { top = left }
      if right < count && LogitHeap.isLikelier(ids[end - right], ids[end - top], logits) { top = right }
      if top == parent { return }
      ids.swapAt(end - parent, end - top)
      weights.swapAt(end - parent, end - top)
      parent = top
    }
  }
}
