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
    run(
      .loss,
      (logits.rows + 7) / 8,
      unsafe CrossEntropyWork(
        logits: pointer(logits), slot: logits, targets: pointer(targets), losses: pointer(losses),
        gradientScale: gradientScale, wanted: TargetDistribution(logits.columns, smoothing: smoothing), k: kernels))
  }
}

@safe private struct CrossEntropyWork: ParallelWork {
  let logits: UnsafeMutablePointer<Float>, slot: Slot
  let targets: UnsafeMutablePointer<Int32>
  let losses: UnsafeMutablePointer<Float>
  let gradientScale: Float?
  let wanted: TargetDistribution
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
    let expected = unsafe wanted.expectation(of: logits, target)
    let most = unsafe k.table.pointee.maximum(logits, n)
    let sum = unsafe k.table.pointee.exponentials(logits, n, 1, most)
    // The difference first, in double precision: large logits would swallow the logarithm.
    unsafe loss.pointee = Float(Double(logarithm(sum)) + (Double(most) - expected))
    guard let gradientScale else { return }
    unsafe k.table.pointee.scale(logits, gradientScale / sum, n)
    unsafe wanted.subtract(gradientScale, target, from: logits)
  }
}

/// What a prediction is compared with: the target alone, or smoothed.
struct TargetDistribution: Sendable {
  private let columns: Int
  /// What the columns other than the target get together: ε · (K - 1) / K.
  private let ofOthers: Float
  /// What each of them gets.
  private let spread: Float

  init(_ columns: Int, smoothing: Float) {
    self.columns = columns
    ofOthers = smoothing * Float(columns - 1) / Float(columns)
    spread = columns > 1 ? ofOthers / Float(columns - 1) : 0
  }

  /// The mean of a row of logits.
  func expectation(of logits: UnsafeMutablePointer<Float>, _ target: Int) -> Double {
    let atTarget = unsafe Double(logits[target])
    if ofOthers <= 0 { return atTarget }
    var all: Double = 0
    for j in 0..<columns { all += unsafe Double(logits[j]) }
    return (1 - Double(ofOthers)) * atTarget + Double(spread) * (all - atTarget)
  }

  /// Takes it, times a scale, from a row.
  func subtract(_ scale: Float, _ target: Int, from row: UnsafeMutablePointer<Float>) {
    if spread > 0 { for j in 0..<columns { unsafe row[j] -= spread * scale } }
    unsafe row[target] -= (1 - ofOthers - spread) * scale
  }
}
