import MiniGPTTokenization

/// The same numbers for the same seed on any machine.
struct SmallRandom: RandomNumberGenerator {
  var state: UInt64
  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return (state ^ state >> 29) &* 0xBF58_476D_1CE4_E5B9
  }
}

/// A tokenizer of 340 ids for the fixtures' corpus.
func smallTokenizer(_ splitter: Splitter = .gpt2) throws -> BytePairTokenizer {
  var trainer = BPETrainer(vocabularySize: 341)
  trainer.splitter = splitter
  return try trainer.train(PeerFixtures.corpus())
}
