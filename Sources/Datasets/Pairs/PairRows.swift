package import MiniGPTTensors
package import MiniGPTTransformer

/// The pairs of a batch, as the rows that a model reads.
package struct PairRows {
  private let batch: PairBatches.Batch
  private let batches: PairBatches
  /// Whether sources and targets are exchanged.
  private let isBackwards: Bool
  /// Where the words are cut in another way.
  private let variation: PairVariation?

  package init(
    _ batch: PairBatches.Batch, _ batches: PairBatches, isBackwards: Bool = false, variation: PairVariation? = nil
  ) {
    self.batch = batch
    self.batches = batches
    self.isBackwards = isBackwards
    self.variation = variation
  }

  private var copies: Int { batches.copies }

  /// Hands out the ids of both sides of a pair of the batch.
  private func read<Result>(_ index: Int, _ body: (_ source: Span<Int32>, _ target: Span<Int32>) -> Result) -> Result {
    func turned(_ source: Span<Int32>, _ target: Span<Int32>) -> Result {
      isBackwards ? body(target, source) : body(source, target)
    }
    if let variation { return variation.read(index, turned) }
    return batches.pairs.read(Int(batches.order[batch.range.lowerBound + index]), turned)
  }

  /// Targets that count, `</s>` and copies included.
  package var predictions: Int {
    copies * (0..<batch.count).reduce(0) { sum, index in sum + read(index) { _, target in target.count + 1 } }
  }

  /// Writes them to their places: sources end with `</s>`, 0; inputs begin with `<pad>` and are what the targets were one
  /// place before; the targets end with `</s>`, and -1 fills them up. Copies stand one behind the other.
  package func fill(_ places: SentenceBatch.Places, padding: Int32, in memory: Memory) -> SentenceBatch {
    var wide = 0, long = 0
    for index in 0..<batch.count {
      read(index) { source, target in (wide, long) = (max(wide, source.count + 1), max(long, target.count + 1)) }
    }
    let result = places.batch(
      copies * batch.count, sourceLength: wide, targetLength: long, isTwice: copies == 2)
    for row in 0..<copies * batch.count {
      read(row / copies) { source, target in
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
