package import MiniGPTTensors

/// What dropout needs to know of the step: Srivastava et al. 2014; Vaswani et al. 2017, §5.4.
///
/// Where there is none (validation, generation), nothing is dropped.
package struct DropoutContext: Sendable {
  package let seed: UInt64
  package let step: Int
  /// The place of the batch's first sample in the whole update: gradient accumulation goes on counting.
  package let firstSample: Int
  package let rate: Float

  package init(seed: UInt64, step: Int, firstSample: Int, rate: Float) {
    self.seed = seed
    self.step = step
    self.firstSample = firstSample
    self.rate = rate
  }
}

/// One place where elements are dropped, known by its number.
package struct Dropout: Sendable {
  package let site: Int

  package init(site: Int) { self.site = site }

  package func mask(_ context: DropoutContext?) -> DropoutMask? {
    guard let context, context.rate > 0 else { return nil }
    return DropoutMask(
      seed: context.seed, step: context.step, firstSample: context.firstSample, site: site, rate: context.rate)
  }

  /// Drops elements of x `[B·T, C]` in place. The way back is the same call on the gradient.
  package func apply(_ x: Slot, length: Int, _ context: DropoutContext?, in memory: Memory) {
    if let mask = mask(context) { memory.dropout(x, length: length, mask) }
  }
}
