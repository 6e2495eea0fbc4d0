package import MiniGPTTensors

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
      batch.count, sourceLength: batch.sourceLength, targetLength: batch.targetLength,
      targetTokens: targetTokens(batch))
    let wide = batch.sourceLength, long = batch.targetLength
    for (row, pair) in order[batch.range].enumerated() {
      pairs.read(Int(pair)) { source, target in
        for s in 0..<wide {
          let id = s < source.count ? source[s] : s == source.count ? 0 : padding
          memory.setIndex(result.source.ids, row * wide + s, id)
        }
        memory.setIndex(result.source.lengths, row, Int32(source.count + 1))
        for t in 0..<long {
          let isInput = t > 0 && t <= target.count
          memory.setIndex(result.input.ids, row * long + t, isInput ? target[t - 1] : padding)
          let id = t < target.count ? target[t] : t == target.count ? 0 : -1
          memory.setIndex(result.targets, row * long + t, id)
        }
        memory.setIndex(result.input.lengths, row, Int32(target.count + 1))
      }
    }
    return result
  }
}
