package import MiniGPTTensors

/// Sentence pairs of one batch, padded to the longest source and the longest target.
///
/// The target stands there twice: as what the decoder is given, `<pad>` (whose embedding is zero) and then the sentence,
/// and as what it has to generate, the sentence and then `</s>`. The source ends with `</s>` as well.
package struct SentenceBatch: TrainingBatch {
  /// `[B, S]`; after a sentence's end stands `<pad>`.
  package let source: TokenIDs
  /// `[B, T]`, likewise.
  package let input: TokenIDs
  /// `[B·T]`; after a sentence's end stands -1, which counts for nothing.
  package let targets: IndexSlot
  /// Whether each pair stands there twice, one behind the other.
  package let isTwice: Bool

  package var copiesApart: Int? { isTwice ? input.texts.length : nil }

  package init(source: TokenIDs, input: TokenIDs, targets: IndexSlot, isTwice: Bool = false) {
    self.source = source
    self.input = input
    self.targets = targets
    self.isTwice = isTwice
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

    /// What the same pairs need where sources and targets are exchanged.
    package var backwards: Capacity { Capacity(pairs: pairs, sourceRows: targetRows, targetRows: sourceRows) }

    /// Half as much again: what pairs may need whose words are cut into more tokens.
    package var larger: Capacity {
      Capacity(pairs: pairs, sourceRows: sourceRows * 3 / 2, targetRows: targetRows * 3 / 2)
    }

    /// Returns what serves both.
    package func joined(_ other: Capacity) -> Capacity {
      Capacity(
        pairs: max(pairs, other.pairs), sourceRows: max(sourceRows, other.sourceRows),
        targetRows: max(targetRows, other.targetRows))
    }
  }

  /// Where the ids of batches stand in a memory, one batch at a time.
  package struct Places: Sendable {
    private let source: TokenIDs.Places
    private let input: TokenIDs.Places
    private let targets: IndexSlot

    package init(_ capacity: Capacity, in plan: inout MemoryPlan) {
      source = TokenIDs.Places(texts: capacity.pairs, rows: capacity.sourceRows, in: &plan)
      input = TokenIDs.Places(texts: capacity.pairs, rows: capacity.targetRows, in: &plan)
      targets = plan.takeIndices(capacity.targetRows)
    }

    /// The places of so many pairs, copies counted, which are still to be filled.
    package func batch(_ pairs: Int, sourceLength: Int, targetLength: Int, isTwice: Bool = false) -> SentenceBatch {
      SentenceBatch(
        source: source.batch(pairs, length: sourceLength), input: input.batch(pairs, length: targetLength),
        targets: targets.range(0..<pairs * targetLength), isTwice: isTwice)
    }
  }

  package static func plan(_ capacity: Capacity, in plan: inout MemoryPlan) -> Places { Places(capacity, in: &plan) }
}
