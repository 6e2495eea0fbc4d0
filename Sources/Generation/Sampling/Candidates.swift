/// The tokens that may come next and their weights, which are in proportion to their probabilities. The steps of a
/// `Sampler` are its methods, one file each. The memory is kept from token to token.
package struct Candidates: Sendable {
  package internal(set) var ids: [Int32] = []
  var weights: [Float] = []
  /// Whether the likeliest come first.
  var areSorted = false

  package init() {}

  /// Takes the whole vocabulary, in the order of the ids.
  mutating func takeAll(_ logits: [Float]) {
    ids.removeAll(keepingCapacity: true)
    ids.reserveCapacity(logits.count)
    for index in logits.indices { ids.append(Int32(index)) }
    areSorted = false
  }

  /// A candidate by the uniform number `point` in [0, 1); nil where no weight is a number.
  func draw(_ point: Double) -> Int32? {
    let limit = point * total
    var sum = 0.0
    for index in weights.indices {
      sum += Double(weights[index])
      if limit < sum { return ids[index] }
    }
    return nil
  }

  /// The sum of the weights, in their order.
  var total: Double {
    var sum = 0.0
    for weight in weights { sum += Double(weight) }
    return sum
  }

  /// Keeps the first `count`.
  mutating func cut(to count: Int) {
    ids.removeLast(ids.count - count)
    weights.removeLast(weights.count - count)
  }
}

/// A heap of ids by their logits (Williams 1964): at its root stands the likeliest, or the least likely.
enum LogitHeap {
  /// Whether `a` is likelier than `b`: of equal logits the lower id is.
  static func isLikelier(_ a: Int32, _ b: Int32, _ logits: [Float]) -> Bool {
    let x = logits[Int(a)], y = logits[Int(b)]
    return x > y || (x == y && a < b)
  }

  /// Makes a heap of the first `count` ids.
  static func build(_ ids: inout [Int32], count: Int, _ logits: [Float], likeliestFirst: Bool) {
    for index in stride(from: count / 2 - 1, through: 0, by: -1) {
      siftDown(&ids, index, count: count, logits, likeliestFirst: likeliestFirst)
    }
  }

  /// Puts the id at `start` into its place among the first `count`.
  static func siftDown(_ ids: inout [Int32], _ start: Int, count: Int, _ logits: [Float], likeliestFirst: Bool) {
    var parent = start
    while true {
      let left = 2 * parent + 1, right = left + 1
      var top = parent
      if left < count && isLikelier(ids[left], ids[top], logits) == likeliestFirst { top = left }
      if right < count && isLikelier(ids[right], ids[top], logits) == likeliestFirst { top = right }
      if top == parent { return }
      ids.swapAt(parent, top)
      parent = top
    }
  }
}
