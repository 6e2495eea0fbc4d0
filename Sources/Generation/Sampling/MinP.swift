// Min-p: Nguyen et al. 2024 (arXiv:2407.01082), §3.

extension Candidates {
  /// Keeps the candidates that are at least `share` times as likely as the likeliest, whose weight is 1; that one always.
  mutating func keepShare(_ share: Float) {
    let least = min(share, 1)
    var count = 0
    for index in ids.indices where weights[index] >= least {
      ids[count] = ids[index]
      weights[count] = weights[index]
      count += 1
    }
    cut(to: count)
  }
}
