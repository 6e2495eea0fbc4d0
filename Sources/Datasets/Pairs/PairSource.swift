package import MiniGPTTensors
package import MiniGPTTransformer

/// Batches of sentence pairs, in the order of `PairBatches`.
package struct PairSource: BatchSource {
  package private(set) var training: PairBatches
  package let turns: Int
  package let heldOut: HeldOutPairs?
  private let padding: Int32
  /// Updates from the first on in which every second batch is translated backwards: Ding et al. 2021 (arXiv:2109.07780).
  private let updatesBothWays: Int
  /// Cuts the words anew each time; nil: they are always cut alike.
  private var variation: PairVariation?
  /// Batches of `training` that were taken, and samples of this update.
  private var taken = 0
  private var samples = 0

  package init(
    _ training: PairBatches, heldOut: PairBatches?, turns: Int, padding: Int32, updatesBothWays: Int = 0,
    variation: PairVariation? = nil
  ) {
    self.training = training
    self.turns = turns
    self.padding = padding
    self.updatesBothWays = updatesBothWays
    self.variation = variation
    self.heldOut = heldOut.map { HeldOutPairs(pairs: $0, padding: padding) }
  }

  package var chunks: Int { 1 }
  package var scaling: LossScaling { .after }
  package var capacity: SentenceBatch.Capacity {
    let most = variation == nil ? training.capacity : training.capacity.larger
    let capacity = heldOut.map { most.joined($0.pairs.capacity) } ?? most
    return updatesBothWays > 0 ? capacity.joined(capacity.backwards) : capacity
  }

  package mutating func fill(
    _ place: UpdatePlace, into places: SentenceBatch.Places, in memory: Memory
  ) -> SampledBatch<SentenceBatch> {
    let wanted = place.update * turns + place.turn
    if taken != wanted { training.seek(wanted) }
    if place.turn == 0 { samples = 0 }
    let planned = training.take(), firstSample = samples
    taken = wanted + 1
    samples += planned.count * training.copies
    let isBackwards = place.update < updatesBothWays && wanted % 2 == 1
    variation?.cut(planned, training, within: training.capacity.larger)
    let rows = PairRows(planned, training, isBackwards: isBackwards, variation: variation)
    return SampledBatch(
      rows.fill(places, padding: padding, in: memory), firstSample: firstSample, predictions: rows.predictions)
  }
}

/// Held-out pairs, from the shortest to the longest.
package struct HeldOutPairs: HeldOutBatches {
  package let pairs: PairBatches
  fileprivate let padding: Int32

  package var count: Int { pairs.batches.count }

  package func fill(_ index: Int, into places: SentenceBatch.Places, in memory: Memory) -> SentenceBatch {
    PairRows(pairs.batches[index], pairs).fill(places, padding: padding, in: memory)
  }
}

// From the ids of pairs to the rows that a model reads.
extension PairBatches {
  /// The size of the largest batch that any epoch may have.
  package var capacity: SentenceBatch.Capacity {
    let longestSource = Int(pairs.sourceCounts.max() ?? 0) + 1, longestTarget = Int(pairs.targetCounts.max() ?? 0) + 1
    let shortest = max(Int(pairs.sourceCounts.min() ?? 0), Int(pairs.targetCounts.min() ?? 0)) + 1
    return SentenceBatch.Capacity(
      pairs: max(copies, min(copies * pairs.count, tokens / shortest)), sourceRows: max(tokens, copies * longestSource),
      targetRows: max(tokens, copies * longestTarget))
  }
}
