internal import MiniGPTCKernels
internal import MiniGPTParallel
internal import MiniGPTPlatform

extension Memory {
  /// Cross-entropy of rows of logits against their targets: losses[r] = log Σ exp(logits[r]) - logits[r, target].
  ///
  /// With `gradientScale`, the logits become the gradient (softmax - target distribution) · gradientScale in the same
  /// pass. `smoothing` ε gives each of the K columns the probability ε / K, and the target 1 - ε on top, as PyTorch does
  /// (Szegedy et al. 2016, arXiv:1512.00567, §7; Vaswani et al. 2017, §5.4). A negative target is left out: loss and
  /// gradient 0.
  package func crossEntropy(
    _ logits: Slot, targets: IndexSlot, losses: Slot, gradientScale: Float?, smoothing: Float = 0
  ) {
    check(
      targets.count == logits.rows && losses.count == logits.rows && losses.isContiguous && logits.columns > 0,
      "cross-entropy of \(logits) with \(targets)")
    // What the columns other than the target get together: ε · (K - 1) / K.
    let ofOthers = smoothing * Float(logits.columns - 1) / Float(logits.columns)
    run(
      .loss,
      (logits.rows + 7) / 8,
      unsafe CrossEntropyWork(
        logits: pointer(logits), slot: logits, targets: pointer(targets), losses: pointer(losses),
        gradientScale: gradientScale, ofOthers: ofOthers, k: kernels))
  }
}

@safe private struct CrossEntropyWork: ParallelWork {
  let logits: UnsafeMutablePointer<Float>, slot: Slot
  let targets: UnsafeMutablePointer<Int32>
  let losses: UnsafeMutablePointer<Float>
  let gradientScale: Float?
  let ofOthers: Float
  let k: Kernels

  func callAsFunction(_ part: Int, thread: Int) {
    for r in part * 8..<min(slot.rows, (part + 1) * 8) {
      unsafe row(logits + r * slot.stride, Int(targets[r]), losses + r)
    }
  }

  private func row(_ logits: UnsafeMutablePointer<Float>, _ target: Int, _ loss: UnsafeMutablePointer<Float>) {
    let n = slot.columns
    guard target >= 0 else {
      unsafe loss.pointee = 0
      if gradientScale != nil { unsafe logits.update(repeating: 0, count: n) }
      return
    }
    check(target < n, "target \(target) of \(n) logits")
    let spread = n > 1 ? ofOthers / Float(n - 1) : 0
    let atTarget = unsafe Double(logits[target])
    var expected = atTarget
    if ofOthers > 0 {
      var all: Double = 0
      for j in 0..<n { all += unsafe Double(logits[j]) }
      expected = (1 - Double(ofOthers)) * atTarget + Double(spread) * (all - atTarget)
    }
    let most = unsafe k.table.pointee.maximum(logits, n)
    let sum = unsafe k.table.pointee.exponentials(logits, n, 1, most)
    // The difference first, in double precision: large logits would swallow the logarithm.
    unsafe loss.pointee = Float(Double(logarithm(sum)) + (Double(most) - expected))
    guard let gradientScale else { return }
    unsafe k.table.pointee.scale(logits, gradientScale / sum, n)
    if spread > 0 { for j in 0..<n { unsafe logits[j] -= spread * gradientScale } }
    unsafe logits[target] -= (1 - ofOthers - spread) * gradientScale
  }
}
