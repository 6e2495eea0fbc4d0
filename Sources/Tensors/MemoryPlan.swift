/// All memory of a computation, planned before its first step: layers take their places from it, then a `Memory` is made.
///
/// Planning only counts: a plan that is too large for the machine costs nothing.
package struct MemoryPlan: Sendable {
  /// Floats of activations.
  package private(set) var activations: Int
  /// Token ids.
  package private(set) var indices: Int
  /// Floats of temporary memory for each thread; products and decoding have theirs in any case.
  package private(set) var scratch: Int
  /// Floats of an optimizer's state.
  package internal(set) var optimizer = 0
  /// Whether parameters have gradients.
  package private(set) var trains: Bool

  package init(activations: Int = 0, indices: Int = 0, scratch: Int = 0, trains: Bool = false) {
    self.activations = activations
    self.indices = indices
    self.scratch = scratch
    self.trains = trains
  }

  /// Takes a matrix of activations, at a multiple of 64 bytes where the plan began at one.
  package mutating func take(_ rows: Int, _ columns: Int) -> Slot {
    let slot = Slot(.activations, offset: activations, rows: rows, columns: columns)
    activations = (slot.end + 15) / 16 * 16
    return slot
  }

  /// The same with rows that lie a line further apart where they would be whole pages long: a tile's rows would then meet in
  /// one set of the first cache.
  package mutating func takeSpread(_ rows: Int, _ columns: Int) -> Slot {
    take(rows, columns > 0 && columns % 1024 == 0 ? columns + 16 : columns).columns(0..<columns)
  }

  /// Takes a list of token ids.
  package mutating func takeIndices(_ count: Int) -> IndexSlot {
    defer { indices += count }
    return IndexSlot(offset: indices, count: count)
  }

  /// Sees to it that each thread has so many floats of temporary memory.
  package mutating func needScratch(_ floats: Int) { scratch = max(scratch, floats) }

  /// Gives the parameters gradients.
  package mutating func train() { trains = true }

  /// Plans two uses in the same places: they are never needed at the same time.
  package mutating func overlay<First, Second>(
    _ first: (inout MemoryPlan) -> First, _ second: (inout MemoryPlan) -> Second
  ) -> (First, Second) {
    let start = activations
    let one = first(&self), end = activations
    activations = start
    let other = second(&self)
    activations = max(activations, end)
    return (one, other)
  }

  /// Returns the bytes that so many parameters take with it, threads' temporary memory aside.
  package func byteCount(parameters: Int) -> Int {
    4 * ((trains ? 2 : 1) * parameters + optimizer + activations + indices)
  }
}
