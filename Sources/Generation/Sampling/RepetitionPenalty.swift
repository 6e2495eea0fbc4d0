/// Makes tokens that were there before less likely: z / θ for a logit above zero, z · θ for one below. Keskar et al. 2019
/// (arXiv:1909.05858), §4.1, with the case of negative logits that all implementations add.
///
/// It counts the whole prompt and all that was said since; how often a token was there makes no difference.
struct RepetitionPenalty: Sendable {
  private let factor: Float
  /// Whether each id was there, and those that were.
  private var isSeen: [Bool] = []
  private var seen: [Int32] = []
  private var logits: [Float] = []

  init(_ factor: Float) { self.factor = factor }

  var isOff: Bool { factor == 1 }

  mutating func observe(_ id: Int32) {
    if isOff || id < 0 { return }
    if id >= isSeen.count { isSeen += [Bool](repeating: false, count: Int(id) + 1 - isSeen.count) }
    if isSeen[Int(id)] { return }
    isSeen[Int(id)] = true
    seen.append(id)
  }

  /// The logits with the penalty, in memory that is kept.
  mutating func apply(_ source: [Float]) -> [Float] {
    if logits.count != source.count {
      logits = [Float](repeating: 0, count: source.count)
      seen.reserveCapacity(source.count)
      isSeen.reserveCapacity(source.count)
      if isSeen.count < source.count { isSeen += [Bool](repeating: false, count: source.count - isSeen.count) }
    }
    for index in source.indices { logits[index] = source[index] }
    for id in seen where id < logits.count {
      let logit = logits[Int(id)]
      logits[Int(id)] = logit > 0 ? logit / factor : logit * factor
    }
    return logits
  }
}
