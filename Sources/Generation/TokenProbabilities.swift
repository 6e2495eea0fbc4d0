internal import MiniGPTTensors

/// What a model expects next: softmax(z)ᵢ = exp(zᵢ) / Σⱼ exp(zⱼ), in double precision, before any sampling flag.
package struct TokenProbabilities: Sendable {
  private let logits: [Float]
  /// log Σⱼ exp(zⱼ).
  private let normalizer: Double

  package init(logits: [Float]) {
    self.logits = logits
    let largest = Double(logits.max() ?? 0)
    var sum = 0.0
    for logit in logits { sum += Double.exp(Double(logit) - largest) }
    normalizer = largest + Double.log(sum)
  }

  /// The natural logarithm of a token's probability.
  package func logarithm(_ id: Int32) -> Double { Double(logits[Int(id)]) - normalizer }

  /// A token's probability.
  package subscript(id: Int32) -> Double { Double.exp(logarithm(id)) }

  /// The `count` likeliest tokens, the likeliest first; of equal ones the lower id.
  package func likeliest(_ count: Int) -> [Int32] {
    if count <= 0 { return [] }
    var candidates = Candidates()
    candidates.takeLikeliest(min(count, logits.count), logits)
    return candidates.ids
  }
}
