package import MiniGPTTensors
package import MiniGPTTransformer

/// Batches of sentence pairs, in the order of `PairBatches`.
package struct PairSource: BatchSource {
  package private(set) var training: PairBatches
  package let turns: Int
  package let heldOut: HeldOutPairs?
  private let padding: Int32
  /// Batches of `training` that were taken, and samples of this update.
  private var taken = 0
  private var samples = 0

  package init(_ training: PairBatches, heldOut: PairBatches?, turns: Int, padding: Int32) {
    self.training = training
    self.turns = turns
    self.padding = padding
    self.heldOut = heldOut.map { HeldOutPairs(pairs: $0, padding: padding) }
  }

  package var chunks: Int { 1 }
  package var scaling: LossScaling { .after }
  package var capacity: SentenceBatch.Capacity {
    heldOut.map { training.capacity.joined($0.pairs.capacity) } ?? training.capacity
  }

  package mutating func fill(
    _ place: UpdatePlace, into places: SentenceBatch.Places, in memory: Memory
  ) -> SampledBatch<SentenceBatch> {
    let wanted = place.update * turns + place.turn
    if taken != wanted { training.seek(wanted) }
    if place.turn == 0 { samples = 0 }
    let planned = training.take(), firstSample = samples
    taken = wanted + 1
    samples += planned.count
    return SampledBatch(
      training.fill(planned, into: places, padding: padding, in: memory), firstSample: firstSample,
      predictions: training.targetTokens(planned))
  }
}

/// Held-out pairs, from the shortest to the longest.
package struct HeldOutPairs: HeldOutBatches {
  package let pairs: PairBatches
  fileprivate let padding: Int32

  package var count: Int { pairs.batches.count }

  package func fill(_ index: Int, into places: SentenceBatch.Places, in memory: Memory) -> SentenceBatch {
    pairs.fill(pairs.batches[index], into: places, padding: padding, in: memory)
  }
}

// From the ids of pairs to the rows that a model reads.
extension PairBatches {
  /// The size of the largest batch that any epoch may have.
  package var capacity: SentenceBatch.Capacity {
    let longestSource = Int(pairs.sourceCounts.max() ?? 0) + 1, longestTarget = Int(pairs.targetCounts.max() ?? 0) + 1
    let shortest = max(Int(pairs.sourceCounts.min() ?? 0), Int(pairs.targetCounts.min() ?? 0)) + 1
    return SentenceBatch.Capacity(
      pairs: max(1, min(pairs.count, tokens / shortest)), sourceRows: max(tokens, longestSource),
      targetRows: max(tokens, longestTarget))
  }

  /// Targets that count in a batch, `</s>` included.
  package func targetTokens(_ batch: Batch) -> Int {
    order[batch.range].reduce(batch.count) { $0 + Int(pairs.targetCounts[Int($1)]) }
  }

  /// Writes a batch of this epoch to its places: sources end with `</s>`, 0; inputs begin with `<pad>` and are what the
  /// targets were one place before; the targets end with `</s>`, and -1 fills them up.
  package func fill(
    _ batch: Batch, into places: SentenceBatch.Places, padding: Int32, in memory: Memory
  ) -> SentenceBatch {
    let result = places.batch(
      batch.count, sourceLength: batch.sourceLength, targetLength: batch.targetLength)
    let long = batch.targetLength
    for (row, pair) in order[batch.range].enumerated() {
      pairs.read(Int(pair)) { source, target in
        let wide = batch.sourceLength
        for s in 0..<wide {
          let id = s < source.count ? source[s] : s == source.count ? 0 : padding
          memory.setIndex(result.source.ids, row * wide + s, id)
        }
        for t in 0..<long {
          let isInput = t > 0 && t <= target.count
          memory.setIndex(result.input.ids, row * long + t, isInput ? target[t - 1] : padding)
          let id = t < target.count ? target[t] : t == target.count ? 0 : -1
          memory.setIndex(result.targets, row * long + t, id)
        }
        result.source.setLength(row, source.count + 1, in: memory)
        result.input.setLength(row, target.count + 1, in: memory)
      }
    }
    return result
  }
}
