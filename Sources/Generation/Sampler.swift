internal import Tensors

/// Chooses tokens from logits; knows nothing of models.
///
/// In this order: temperature, top-k (Fan, Lewis, Dauphin 2018), top-p (Holtzman et al. 2020, arXiv:1904.09751), draw.
/// Of equal logits the lower id counts as the likelier. The n-th draw is a function of seed, sample and n alone.
package struct Sampler: Sendable {
  package let configuration: SamplingConfiguration
  private let stream: RandomStream
  private let sample: Int
  /// How many tokens were drawn.
  private var draws = 0
  /// A heap of ids, the likeliest first, and the candidates taken from it: memory that is kept.
  private var heap: [Int32] = []
  private var candidates: [Int32] = []
  private var weights: [Float] = []

  package init(_ configuration: SamplingConfiguration, sample: Int = 0) {
    self.configuration = configuration
    self.sample = sample
    stream = RandomStream(seed: configuration.seed, site: 0x4000_0001)
  }

  /// The next token for a row of logits; `excluded` is never chosen.
  package mutating func next(_ logits: [Float], excluding excluded: Int32? = nil) -> Int32 {
    defer { draws += 1 }
    let likeliest = Self.likeliest(logits, excluding: excluded)
    if configuration.temperature == 0 || configuration.topK == 1 { return likeliest }
    takeCandidates(logits, likeliest, excluding: excluded)
    return draw()
  }

  /// The likeliest token: the first of the largest logits.
  package static func likeliest(_ logits: [Float], excluding excluded: Int32? = nil) -> Int32 {
    var best: Int32 = excluded == 0 && logits.count > 1 ? 1 : 0
    for index in logits.indices where logits[index] > logits[Int(best)] && Int32(index) != excluded {
      best = Int32(index)
    }
    return best
  }

  /// Fills `candidates` and their `weights`, exp((logit - largest) / temperature).
  private mutating func takeCandidates(_ logits: [Float], _ likeliest: Int32, excluding excluded: Int32?) {
    let largest = logits[Int(likeliest)], inverse = 1 / max(configuration.temperature, 1e-6)
    func weight(_ id: Int32) -> Float { exponential((logits[Int(id)] - largest) * inverse) }
    candidates.removeAll(keepingCapacity: true)
    weights.removeAll(keepingCapacity: true)
    let limitsCount = configuration.topK > 0 && configuration.topK < logits.count, limitsMass = configuration.topP < 1
    if !limitsCount && !limitsMass {
      for index in logits.indices where Int32(index) != excluded {
        candidates.append(Int32(index))
        weights.append(weight(Int32(index)))
      }
      return
    }
    makeHeap(logits, excluding: excluded)
    let most = limitsCount ? min(configuration.topK, heap.count) : heap.count
    // The mass is counted among the k likeliest, as the steps are applied one after the other.
    while candidates.count < most, let id = popLikeliest(logits) {
      candidates.append(id)
      weights.append(weight(id))
    }
    if limitsMass { cutToMass() }
  }

  /// Keeps the smallest number of candidates, at least one, whose probabilities reach `topP`.
  private mutating func cutToMass() {
    var total = 0.0
    for weight in weights { total += Double(weight) }
    var sum = 0.0, kept = 0
    while kept < weights.count && (kept == 0 || sum < Double(configuration.topP) * total) {
      sum += Double(weights[kept])
      kept += 1
    }
    candidates.removeLast(candidates.count - kept)
    weights.removeLast(weights.count - kept)
  }

  private func draw() -> Int32 {
    var total = 0.0
    for weight in weights { total += Double(weight) }
    let point = stream.uniform(draws, sample: sample) * total
    var sum = 0.0
    for index in weights.indices {
      sum += Double(weights[index])
      if point < sum { return candidates[index] }
    }
    return candidates[candidates.count - 1]
  }

  // MARK: - A heap of ids by their logits

  private static func isLikelier(_ a: Int32, _ b: Int32, _ logits: [Float]) -> Bool {
    let x = logits[Int(a)], y = logits[Int(b)]
    return x > y || (x == y && a < b)
  }

  private mutating func makeHeap(_ logits: [Float], excluding excluded: Int32?) {
    heap.removeAll(keepingCapacity: true)
    for index in logits.indices where Int32(index) != excluded { heap.append(Int32(index)) }
    for index in stride(from: heap.count / 2 - 1, through: 0, by: -1) { siftDown(index, logits) }
  }

  private mutating func popLikeliest(_ logits: [Float]) -> Int32? {
    guard let top = heap.first else { return nil }
    let last = heap.removeLast()
    if !heap.isEmpty {
      heap[0] = last
      siftDown(0, logits)
    }
    return top
  }

  private mutating func siftDown(_ start: Int, _ logits: [Float]) {
    var parent = start
    while true {
      let left = 2 * parent + 1, right = left + 1
      var largest = parent
      if left < heap.count && Self.isLikelier(heap[left], heap[largest], logits) { largest = left }
      if right < heap.count && Self.isLikelier(heap[right], heap[largest], logits) { largest = right }
      if largest == parent { return }
      heap.swapAt(parent, largest)
      parent = largest
    }
  }
}
