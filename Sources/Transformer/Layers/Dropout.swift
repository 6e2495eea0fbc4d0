package import MiniGPTTensors

/// What dropout needs to know of the step: Srivastava et al. 2014; Vaswani et al. 2017, §5.4.
package struct DropoutStep: Sendable {
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

  package func mask(_ step: DropoutStep?) -> DropoutMask? {
    guard let step, step.rate > 0 else { return nil }
    return DropoutMask(
      seed: step.seed, step: step.step, firstSample: step.firstSample, site: site, rate: step.rate)
  }

  /// Drops elements of x `[B·T, C]` in place. The backward pass is the same call on the gradient.
  package func apply(_ x: Slot, _ pass: Pass) {
    if let mask = mask(pass.dropout) { pass.memory.dropout(x, length: pass.texts.length, mask) }
  }
}
