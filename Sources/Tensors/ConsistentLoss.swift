internal import MiniGPTCKernels
internal import MiniGPTParallel
internal import MiniGPTPlatform

/// Rows that stand there twice, computed with other elements dropped, and how much their predictions must agree.
package struct Copies: Equatable, Sendable {
  /// From a row to its copy; the rows are groups of twice as many.
  package let apart: Int
  /// α.
  package let weight: Float

  package init(apart: Int, weight: Float) {
    self.apart = apart
    self.weight = weight
  }
}

extension Memory {
  /// Cross-entropy of rows that stand there twice, with predictions P and Q that are drawn towards each other.
  ///
  /// Minimizes -log P[target] - log Q[target] + α · (KL(P ‖ Q) + KL(Q ‖ P)) / 2 for each two copies: Liang et al. 2021
  /// (arXiv:2106.14448, eq. (1) to (3)). `losses` get the cross-entropies alone, as `crossEntropy` does, and the logits
  /// become the gradient of the whole times `gradientScale`. Logits `[N, V]`, targets and losses `[N]`; some 20·N·V operations,
  /// and scratch memory of a row.
  package func consistentCrossEntropy(
    _ logits: Slot, targets: IndexSlot, losses: Slot, copies: Copies, gradientScale: Float, smoothing: Float
  ) {
    check(
      copies.apart > 0 && logits.rows % (2 * copies.apart) == 0 && targets.count == logits.rows
        && losses.count == logits.rows && losses.isContiguous && logits.columns > 0,
      "copies \(copies.apart) rows apart of \(logits)")
    run(
      .loss,
      (logits.rows / 2 + 3) / 4,
      unsafe ConsistencyWork(
        logits: pointer(logits), slot: logits, targets: pointer(targets), losses: pointer(losses),
        scratch: scratch(ofFloats: logits.columns), copies: copies, scale: gradientScale,
        wanted: TargetDistribution(logits.columns, smoothing: smoothing), k: kernels))
  }
}

@safe private struct ConsistencyWork: ParallelWork {
  let logits: UnsafeMutablePointer<Float>, slot: Slot
  let targets: UnsafeMutablePointer<Int32>
  let losses: UnsafeMutablePointer<Float>
  let scratch: ThreadScratch
  let copies: Copies
  let scale: Float
  let wanted: TargetDistribution
  let k: Kernels

  /// Four rows and their copies.
  func callAsFunction(_ part: Int, thread: Int) {
    for index in part * 4..<min(slot.rows / 2, (part + 1) * 4) {
      let first = index / copies.apart * 2 * copies.apart + index % copies.apart
      unsafe pair(first, first + copies.apart, scratch.pointer(thread))
    }
  }

  private func pair(_ first: Int, _ second: Int, _ ratios: UnsafeMutablePointer<Float>) {
    let n = slot.columns, target = unsafe Int(targets[first])
    let p = unsafe logits + first * slot.stride, q = unsafe logits + second * slot.stride
    check(unsafe targets[second] == targets[first], "copies with other targets")
    guard target >= 0 else {
      unsafe (losses[first], losses[second]) = (0, 0)
      unsafe p.update(repeating: 0, count: n)
      unsafe q.update(repeating: 0, count: n)
      return
    }
    check(target < n, "target \(target) of \(n) logits")
    for j in 0..<n { unsafe ratios[j] = p[j] - q[j] }
    let ofP = unsafe softmax(p, target, losses + first), ofQ = unsafe softmax(q, target, losses + second)
    // log P - log Q, and its means: the two divergences.
    let shift = Float(ofP - ofQ), weight = copies.weight / 2
    for j in 0..<n { unsafe ratios[j] -= shift }
    let ofPQ = unsafe k.table.pointee.dot(p, ratios, n), ofQP = unsafe -k.table.pointee.dot(q, ratios, n)
    for j in 0..<n {
      let (x, y, ratio) = unsafe (p[j], q[j], ratios[j])
      unsafe p[j] = scale * (x + weight * (x * (ratio - ofPQ) + x - y))
      unsafe q[j] = scale * (y + weight * (y * (-ratio - ofQP) + y - x))
    }
    unsafe wanted.subtract(scale, target, from: p)
    unsafe wanted.subtract(scale, target, from: q)
  }

  /// Makes probabilities of logits, and returns the logarithm of the sum of their exponentials.
  private func softmax(
    _ row: UnsafeMutablePointer<Float>, _ target: Int, _ loss: UnsafeMutablePointer<Float>
  ) -> Double {
    let expected = unsafe wanted.expectation(of: row, target)
    let most = unsafe k.table.pointee.maximum(row, slot.columns)
    let sum = unsafe k.table.pointee.exponentials(row, slot.columns, 1, most), logSum = Double(logarithm(sum))
    unsafe loss.pointee = Float(logSum + (Double(most) - expected))
    unsafe k.table.pointee.scale(row, 1 / sum, slot.columns)
    return Double(most) + logSum
  }
}
