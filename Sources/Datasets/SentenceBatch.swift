package import MiniGPTTensors

/// Sentence pairs of one batch, padded to the longest source and the longest target.
///
/// The target stands there twice: as what the decoder is given, `<pad>` (whose embedding is zero) and then the sentence,
/// and as what it has to say, the sentence and then `</s>`. The source ends with `</s>` as well.
package struct SentenceBatch: Sendable {
  /// `[B, S]`; behind a sentence's end stands `<pad>`.
  package let source: PaddedIDs
  /// `[B, T]`, likewise.
  package let input: PaddedIDs
  /// `[B·T]`; behind a sentence's end stands -1, which counts for nothing.
  package let targets: IndexSlot
  /// Targets that count.
  package let targetTokens: Int

  package init(source: PaddedIDs, input: PaddedIDs, targets: IndexSlot, targetTokens: Int) {
    self.source = source
    self.input = input
    self.targets = targets
    self.targetTokens = targetTokens
  }

  /// How large batches get: memory is taken by it before the first step.
  package struct Capacity: Equatable, Sendable {
    /// The most pairs.
    package var pairs: Int
    /// The most places of sources, B·S.
    package var sourceRows: Int
    /// The most places of targets, B·T.
    package var targetRows: Int

    package init(pairs: Int, sourceRows: Int, targetRows: Int) {
      self.pairs = pairs
      self.sourceRows = sourceRows
      self.targetRows = targetRows
    }

    /// What serves both.
    package func joined(_ other: Capacity) -> Capacity {
      Capacity(
        pairs: max(pairs, other.pairs), sourceRows: max(sourceRows, other.sourceRows),
        targetRows: max(targetRows, other.targetRows))
    }
  }

  /// Where the ids of batches stand in a memory, one batch at a time.
  package struct Places: Sendable {
    package let source: PaddedPlaces
    package let input: PaddedPlaces
    package let targets: IndexSlot

    package init(_ capacity: Capacity) {
      source = PaddedPlaces(texts: capacity.pairs, rows: capacity.sourceRows)
      input = PaddedPlaces(texts: capacity.pairs, rows: capacity.targetRows, from: source.end)
      targets = IndexSlot(offset: input.end, count: capacity.targetRows)
    }

    /// Ids that a memory needs.
    package var indexCount: Int { targets.offset + targets.count }

    /// A batch of so many pairs, whose places are still to be filled.
    package func batch(_ pairs: Int, sourceLength: Int, targetLength: Int, targetTokens: Int) -> SentenceBatch {
      SentenceBatch(
        source: source.batch(pairs, length: sourceLength), input: input.batch(pairs, length: targetLength),
        targets: targets.range(0..<pairs * targetLength), targetTokens: targetTokens)
    }
  }
}
