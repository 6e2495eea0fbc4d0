internal import MiniGPTTensors

/// Chooses tokens from logits; knows nothing of models.
///
/// In this order: repetition penalty, temperature, top-k, top-p, min-p, draw. Each step works on what the ones before it
/// left, as if that were all there is. Of equal logits the lower id counts as the likelier. The n-th draw is a function
/// of seed, sample and n alone. After the first token nothing is allocated.
package struct Sampler: Sendable {
  package let configuration: SamplingConfiguration
  private let stream: RandomStream
  private let sample: Int
  /// How many tokens were drawn.
  private var draws = 0
  private var penalty: RepetitionPenalty
  private var candidates = Candidates()

  package init(_ configuration: SamplingConfiguration, sample: Int = 0) {
    self.configuration = configuration
    self.sample = sample
    stream = RandomStream(seed: configuration.seed, .sampler)
    penalty = RepetitionPenalty(configuration.repetitionPenalty)
  }

  /// Tells of tokens that are there already, those of the prompt, for the repetition penalty. Tokens that this sampler
  /// chooses it knows itself.
  package mutating func observe(_ tokens: some Sequence<Int32>) {
    for token in tokens { penalty.observe(token) }
  }

  /// The next token for a row of logits; one of -∞ is never chosen where others are finite.
  package mutating func next(_ logits: [Float]) -> Int32 {
    let token: Int32
    if penalty.isOff {
      token = choose(logits)
    } else {
      token = choose(penalty.apply(logits))
      penalty.observe(token)
    }
    draws += 1
    return token
  }

  private mutating func choose(_ logits: [Float]) -> Int32 {
    let likeliest = Self.likeliest(logits)
    if configuration.isGreedy { return likeliest }
    if configuration.topK > 0 && configuration.topK < logits.count {
      candidates.takeLikeliest(configuration.topK, logits)
    } else {
      candidates.takeAll(logits)
    }
    candidates.weigh(logits, largest: logits[Int(likeliest)], temperature: configuration.temperature)
    if configuration.topP < 1 { candidates.keepMass(Double(configuration.topP), logits) }
    if configuration.minP > 0 { candidates.keepShare(configuration.minP) }
    return candidates.draw(stream.uniform(draws, sample: sample)) ?? likeliest
  }

  /// The likeliest token: the first of the largest logits.
  package static func likeliest(_ logits: [Float]) -> Int32 {
    var best = 0
    for index in logits.indices where logits[index] > logits[best] { best = index }
    return Int32(best)
  }
}
