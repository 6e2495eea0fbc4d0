internal import MiniGPTCKernels
internal import MiniGPTParallel
internal import MiniGPTPlatform

/// The numbers of one AdamW step that do not depend on the parameter; `AdamW` in Training derives them.
package struct AdamWStep: Sendable {
  package var beta1: Float
  package var beta2: Float
  /// lr / (1 - β₁ᵗ).
  package var rate: Float
  /// 1 / √(1 - β₂ᵗ).
  package var rootScale: Float
  package var epsilon: Float
  /// 1 - lr · λ, or 1 where the parameter does not decay.
  package var shrink: Float
  /// What the gradient is multiplied by first: clipping.
  package var gradientScale: Float
  /// Whether only weights shrink that the step makes smaller.
  package var isCautious = false

  package init(
    beta1: Float, beta2: Float, rate: Float, rootScale: Float, epsilon: Float, shrink: Float, gradientScale: Float
  ) {
    self.beta1 = beta1
    self.beta2 = beta2
    self.rate = rate
    self.rootScale = rootScale
    self.epsilon = epsilon
    self.shrink = shrink
    self.gradientScale = gradientScale
  }
}

extension Memory {
  /// One AdamW step of a parameter, its gradient and both moments in one pass.
  package func adamw(_ parameter: Slot, first: Slot, second: Slot, _ step: AdamWStep) {
    check(
      parameter.region == .parameters && parameter.isContiguous && parameters.isWritable
        && first.isContiguous && second.isContiguous && first.count == parameter.count
        && second.count == parameter.count, "AdamW of \(parameter) with \(first) and \(second)")
    let length = 1 << 13
    run(
      .optimizer,
      (parameter.count + length - 1) / length,
      unsafe AdamWWork(
        weight: pointer(parameter), gradient: pointer(parameter.at(.gradients)),
        first: pointer(first), second: pointer(second),
        how: minigpt_adamw(
          beta1: step.beta1, beta2: step.beta2, rate: step.rate, root_scale: step.rootScale, epsilon: step.epsilon,
          shrink: step.shrink, gradient_scale: step.gradientScale, cautious: step.isCautious ? 1 : 0),
        count: parameter.count, length: length, k: kernels))
  }

  /// Σ g² over all gradients, in double precision and one order for any number of threads.
  package func squaredGradientNorm() -> Double {
    let count = count(of: .gradients), parts = (count + Memory.partialLength - 1) / Memory.partialLength
    let all = Slot(.gradients, offset: 0, rows: 1, columns: count)
    run(.optimizer, parts, unsafe SquaresWork(x: pointer(all), count: count, sums: partialSums, k: kernels))
    var sum = 0.0
    for part in 0..<parts { sum += unsafe partialSums[part] }
    return sum
  }

  /// Sets all gradients to zero.
  package func clearGradients() {
    let count = count(of: .gradients), parts = (count + Memory.partialLength - 1) / Memory.partialLength
    let all = Slot(.gradients, offset: 0, rows: 1, columns: count)
    run(.optimizer, parts, unsafe ZeroWork(x: pointer(all), count: count))
  }
}

@safe private struct AdamWWork: ParallelWork {
  let weight: UnsafeMutablePointer<Float>, gradient: UnsafeMutablePointer<Float>
  let first: UnsafeMutablePointer<Float>, second: UnsafeMutablePointer<Float>
  let how: minigpt_adamw
  let count: Int
  let length: Int
  let k: Kernels

  func callAsFunction(_ part: Int, thread: Int) {
    let start = part * length
    var how = how
    unsafe k.table.pointee.adamw(
      weight + start, gradient + start, first + start, second + start, &how, min(length, count - start))
  }
}

@safe private struct SquaresWork: ParallelWork {
  let x: UnsafeMutablePointer<Float>, count: Int
  let sums: UnsafeMutablePointer<Double>
  let k: Kernels

  func callAsFunction(_ part: Int, thread: Int) {
    let start = part * Memory.partialLength
    unsafe sums[part] = k.table.pointee.sum_of_squares(x + start, min(Memory.partialLength, count - start))
  }
}

@safe private struct ZeroWork: ParallelWork {
  let x: UnsafeMutablePointer<Float>, count: Int

  func callAsFunction(_ part: Int, thread: Int) {
    let start = part * Memory.partialLength
    unsafe (x + start).update(repeating: 0, count: min(Memory.partialLength, count - start))
  }
}
