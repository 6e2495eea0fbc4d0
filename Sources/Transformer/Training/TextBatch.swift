package import MiniGPTTensors

/// Windows of texts and, for each position, the token after it.
package struct TextBatch: TrainingBatch {
  /// `[B, T]`
  package let input: TokenIDs
  /// `[B·T]`; -1 counts for nothing.
  package let targets: IndexSlot

  /// How large batches get.
  package struct Capacity: Equatable, Sendable {
    /// The most windows, B.
    package var windows: Int
    /// Tokens of a window, T.
    package var length: Int

    package init(windows: Int, length: Int) {
      self.windows = windows
      self.length = length
    }
  }

  /// Where the ids of batches stand in a memory, one batch at a time.
  package struct Places: Sendable {
    private let ids: IndexSlot
    private let targets: IndexSlot
    private let length: Int

    package init(_ capacity: Capacity, in plan: inout MemoryPlan) {
      length = capacity.length
      ids = plan.takeIndices(capacity.windows * length)
      targets = plan.takeIndices(capacity.windows * length)
    }

    /// The places of so many windows, which are still to be filled; `length` where they are shorter than others.
    package func batch(_ windows: Int, length: Int? = nil) -> TextBatch {
      let length = length ?? self.length
      let places = 0..<windows * length
      return TextBatch(
        input: TokenIDs(ids.range(places), Sequences(count: windows, length: length)), targets: targets.range(places))
    }
  }

  package static func plan(_ capacity: Capacity, in plan: inout MemoryPlan) -> Places { Places(capacity, in: &plan) }
}
