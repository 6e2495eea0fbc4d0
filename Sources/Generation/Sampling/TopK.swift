// Top-k: only the k likeliest tokens. Fan, Lewis, Dauphin 2018 (arXiv:1805.04833), §5.4.

extension Candidates {
  /// Takes the `k` likeliest tokens, the likeliest first. One walk over the logits beside a heap of k, whose root is the
  /// least likely of those that are in.
  package mutating func takeLikeliest(_ k: Int, _ logits: [Float]) {
    ids.removeAll(keepingCapacity: true)
    ids.reserveCapacity(min(k, logits.count))
    areSorted = true
    for index in logits.indices {
      if ids.count < k {
        ids.append(Int32(index))
        if ids.count == k { LogitHeap.build(&ids, count: k, logits, likeliestFirst: false) }
      } else if logits[index] > logits[Int(ids[0])] {
        // Later ids are higher: an equal logit does not displace one that is in.
        ids[0] = Int32(index)
        LogitHeap.siftDown(&ids, 0, count: k, logits, likeliestFirst: false)
      }
    }
    if ids.count < k { LogitHeap.build(&ids, count: ids.count, logits, likeliestFirst: false) }
    // The least likely goes to the end, again and again.
    for end in stride(from: ids.count - 1, to: 0, by: -1) {
      ids.swapAt(0, end)
      LogitHeap.siftDown(&ids, 0, count: end, logits, likeliestFirst: false)
    }
  }
}
