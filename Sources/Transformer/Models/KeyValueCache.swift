package import MiniGPTTensors

/// The keys and values that a decoder has computed, layer by layer, for several sequences: what a token's attention looks
/// at, so that no earlier token is computed again. All memory is planned before the first token.
package struct KeyValueCache: Sendable {
  package let layers: [CachedKeysValues]
  /// The most tokens of a sequence.
  package let capacity: Int

  package init(
    layers: Int, sequences: Int, _ shape: BlockShape, capacity: Int, in plan: inout MemoryPlan
  ) {
    var all: [CachedKeysValues] = []
    for _ in 0..<layers {
      all.append(
        CachedKeysValues(
          sequences: sequences, heads: shape.attention.keyValueHeads, headWidth: shape.attention.headWidth,
          capacity: capacity, in: &plan)
      )
    }
    self.layers = all
    self.capacity = capacity
  }

  /// Makes the first `count` tokens of a sequence those of another.
  package func copy(from source: Int, to target: Int, count: Int, in memory: Memory) {
    for layer in layers { memory.copy(layer, from: source, to: target, count: count) }
  }
}

/// The rows of a decoding step: each is one token of one sequence, at a place of that sequence.
package struct DecodingRows: Sendable {
  package let ids: IndexSlot
  package let sequences: IndexSlot
  package let places: IndexSlot
  /// How many places a row sees, its own included.
  package let counts: IndexSlot

  /// For at most `capacity` rows.
  package init(capacity: Int, in plan: inout MemoryPlan) {
    ids = plan.takeIndices(capacity)
    sequences = plan.takeIndices(capacity)
    places = plan.takeIndices(capacity)
    counts = plan.takeIndices(capacity)
  }

  private init(_ all: DecodingRows, _ count: Int) {
    ids = all.ids.range(0..<count)
    sequences = all.sequences.range(0..<count)
    places = all.places.range(0..<count)
    counts = all.counts.range(0..<count)
  }

  package func first(_ count: Int) -> DecodingRows { DecodingRows(self, count) }

  package func set(_ row: Int, id: Int32, sequence: Int, place: Int, in memory: Memory) {
    memory.setIndex(ids, row, id)
    memory.setIndex(sequences, row, Int32(sequence))
    memory.setIndex(places, row, Int32(place))
    memory.setIndex(counts, row, Int32(place + 1))
  }
}
