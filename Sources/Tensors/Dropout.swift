internal import MiniGPTCKernels
internal import MiniGPTParallel
internal import MiniGPTPlatform

/// Which elements a dropout of one step drops, for a whole batch: a function of seed, step, site and sample alone.
///
/// Philox4x32-10, key = seed, counter = (element / 8, sample, site, step), 16 bits an element; an element stays where
/// its bits are at least `rate` · 65,536. Srivastava et al. 2014; scaled by 1 / (1 - rate) as in PyTorch.
package struct DropoutMask: Sendable {
  package let key: (UInt32, UInt32)
  package let step: UInt32
  /// The place of the batch's first sample in the whole update.
  package let firstSample: Int
  package let site: UInt32
  package let rate: Float

  package init(seed: UInt64, step: Int, firstSample: Int, site: Int, rate: Float) {
    check(rate >= 0 && rate < 1, "dropout of \(rate)")
    key = (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
    self.step = UInt32(truncatingIfNeeded: step)
    self.firstSample = firstSample
    self.site = RandomSite.dropout.number(site)
    self.rate = rate
  }

  var threshold: UInt32 { UInt32((rate * 65536).rounded()) }
  var factor: Float { 65536 / (65536 - Float(threshold)) }

  /// The random numbers of one sample from element `first` on, a multiple of 8.
  func row(sample: Int, first: Int) -> minigpt_random_row {
    minigpt_random_row(
      key: key, sample: UInt32(truncatingIfNeeded: firstSample + sample), site: site, step: step,
      block: UInt32(truncatingIfNeeded: first / 8))
  }
}

extension Memory {
  /// Drops elements of x `[B·T, C]`, in place; row b·T + t is place t of sample b. The same call serves the way back.
  package func dropout(_ x: Slot, length: Int, _ mask: DropoutMask) {
    if mask.rate == 0 { return }
    check(length > 0 && x.rows % length == 0, "dropout of \(x) in sequences of \(length)")
    let parts = (x.rows + 15) / 16
    run(.dropout, parts, unsafe DropoutWork(x: pointer(x), slot: x, length: length, mask: mask, k: kernels))
  }

  /// Drops attention weights of a tile `[M, N]`, on the calling thread: row r of the tile is the place
  /// `firstElement + r * rowElements` of the sample; both are multiples of 8.
  package func dropoutTile(_ x: Slot, sample: Int, firstElement: Int, rowElements: Int, _ mask: DropoutMask) {
    check(firstElement % 8 == 0 && rowElements % 8 == 0, "dropout from \(firstElement), rows of \(rowElements)")
    let base = unsafe pointer(x)
    for r in 0..<x.rows {
      var row = mask.row(sample: sample, first: firstElement + r * rowElements)
      unsafe kernels.table.pointee.dropout(base + r * x.stride, &row, mask.threshold, mask.factor, x.columns)
    }
  }
}

@safe private struct DropoutWork: ParallelWork {
  let x: UnsafeMutablePointer<Float>
  let slot: Slot
  let length: Int
  let mask: DropoutMask
  let k: Kernels

  func callAsFunction(_ part: Int, thread: Int) {
    let rowElements = (slot.columns + 7) / 8 * 8
    for r in part * 16..<min(slot.rows, (part + 1) * 16) {
      var row = mask.row(sample: r / length, first: r % length * rowElements)
      unsafe k.table.pointee.dropout(x + r * slot.stride, &row, mask.threshold, mask.factor, slot.columns)
    }
  }
}
