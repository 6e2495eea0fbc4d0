internal import MiniGPTCKernels
internal import MiniGPTParallel
internal import MiniGPTPlatform

/// A matrix that Muon updates, and its momentum: a parameter, or some columns of one.
package struct MuonMatrix: Sendable {
  package let weight: Slot
  package let momentum: Slot

  package init(weight: Slot, momentum: Slot) {
    self.weight = weight
    self.momentum = momentum
  }

  /// Its smaller side, and its larger one.
  fileprivate var sides: (short: Int, long: Int) {
    (min(weight.rows, weight.columns), max(weight.rows, weight.columns))
  }
}

/// The numbers of one Muon step; `Muon` in Training derives them.
package struct MuonStep: Sendable {
  /// μ
  package var momentum: Float
  /// What the gradient is multiplied by first: clipping.
  package var gradientScale: Float
  /// η
  package var rate: Float
  /// η λ
  package var decay: Float
  /// Whether only weights decay that the step makes smaller.
  package var isCautious: Bool
  /// What the norm is multiplied by before it is divided by: a little more than 1, so that no singular value exceeds 1.
  package var margin: Float
  /// One for each iteration.
  package var polynomials: [OddPolynomial]

  package init(
    momentum: Float, gradientScale: Float, rate: Float, decay: Float, isCautious: Bool, margin: Float,
    polynomials: [OddPolynomial]
  ) {
    self.momentum = momentum
    self.gradientScale = gradientScale
    self.rate = rate
    self.decay = decay
    self.isCautious = isCautious
    self.margin = margin
    self.polynomials = polynomials
  }
}

/// a x + b x³ + c x⁵, which an iteration applies to all singular values at once.
package struct OddPolynomial: Sendable, Equatable {
  package let a: Float
  package let b: Float
  package let c: Float

  package init(_ a: Float, _ b: Float, _ c: Float) {
    (self.a, self.b, self.c) = (a, b, c)
  }
}

extension Memory {
  /// Floats of temporary memory that each thread needs for matrices of these shapes.
  package static func muonScratch(_ matrices: [MuonMatrix]) -> Int {
    let most = matrices.map { 2 * ($0.sides.short * $0.sides.long + $0.sides.short * $0.sides.short) }.max() ?? 0
    return ProductWork.scratch + most + 5 * 16
  }

  /// One Muon step of each matrix. A thread computes a whole one, so that the bits depend on nothing else.
  package func muon(_ matrices: [MuonMatrix], _ step: MuonStep) {
    for matrix in matrices {
      check(
        matrix.weight.region == .parameters && parameters.isWritable && matrix.momentum.region == .optimizer
          && matrix.momentum.rows == matrix.weight.rows && matrix.momentum.columns == matrix.weight.columns,
        "Muon of \(matrix.weight) with \(matrix.momentum)")
    }
    run(.optimizer, matrices.count, MuonWork(matrices: matrices, step: step, memory: self))
  }
}

private struct MuonWork: ParallelWork {
  let matrices: [MuonMatrix]
  let step: MuonStep
  let memory: Memory

  func callAsFunction(_ part: Int, thread: Int) {
    let matrix = matrices[part], (m, n) = matrix.sides
    var scratch = memory.scratch(thread)
    _ = scratch.take(1, ProductWork.scratch)
    var x = scratch.take(m, n), other = scratch.take(m, n)
    let gram = scratch.take(m, m), polynomial = scratch.take(m, m)
    let isTall = matrix.weight.rows > matrix.weight.columns
    direction(matrix, into: isTall ? other.shaped(n, m) : x)
    if isTall { transpose(x, other.shaped(n, m)) }
    normalize(x)
    for p in step.polynomials {
      memory.symmetricProduct(gram, x.plain, x.transposed, thread: thread)  // X Xᵀ
      memory.symmetricProduct(polynomial, gram.plain, gram.plain, thread: thread)
      evaluate(p, polynomial, gram)  // a I + b X Xᵀ + c (X Xᵀ)²
      memory.product(other, polynomial.plain, x.plain, thread: thread)
      swap(&x, &other)
    }
    if isTall { transpose(other.shaped(n, m), x) }
    apply(isTall ? other.shaped(n, m) : x, to: matrix.weight)
  }

  /// M = μ M + (1 - μ) g, then u = μ M + (1 - μ) g, Nesterov's look ahead.
  private func direction(_ matrix: MuonMatrix, into u: Slot) {
    let weight = matrix.weight
    let g = unsafe memory.pointer(weight.at(.gradients)), m = unsafe memory.pointer(matrix.momentum)
    let u0 = unsafe memory.pointer(u), momentum = step.momentum, fresh = (1 - step.momentum) * step.gradientScale
    for i in 0..<weight.rows {
      let g = unsafe g + i * weight.stride, m = unsafe m + i * matrix.momentum.stride, u = unsafe u0 + i * u.stride
      for j in 0..<weight.columns {
        let part = unsafe fresh * g[j]
        let now = unsafe momentum * m[j] + part
        unsafe m[j] = now
        unsafe u[j] = momentum * now + part
      }
    }
  }

  private func transpose(_ y: Slot, _ x: Slot) {
    unsafe memory.kernels.table.pointee.transpose(
      memory.pointer(y), y.stride, memory.pointer(x), x.stride, x.rows, x.columns)
  }

  /// Divides by the Frobenius norm, which is at least the largest singular value.
  private func normalize(_ x: Slot) {
    let table = unsafe memory.kernels.table, base = unsafe memory.pointer(x)
    let norm = unsafe Float(table.pointee.sum_of_squares(base, x.count).squareRoot())
    unsafe table.pointee.scale(base, 1 / (step.margin * norm + 1e-7), x.count)
  }

  private func evaluate(_ p: OddPolynomial, _ square: Slot, _ gram: Slot) {
    let s = unsafe memory.pointer(square), a = unsafe memory.pointer(gram), m = gram.rows
    for i in 0..<m * m { unsafe s[i] = p.c * s[i] + p.b * a[i] }
    for i in 0..<m { unsafe s[i * m + i] += p.a }
  }

  /// w = w - η λ w - η · 0.2 √max(rows, columns) · u: a step as long as one of AdamW.
  private func apply(_ u: Slot, to weight: Slot) {
    let w0 = unsafe memory.pointer(weight), u0 = unsafe memory.pointer(u)
    let rate = step.rate * 0.2 * Float(max(weight.rows, weight.columns)).squareRoot()
    let decay = step.decay, least: Float = step.isCautious ? 0 : -.infinity
    for i in 0..<weight.rows {
      let w = unsafe w0 + i * weight.stride, u = unsafe u0 + i * u.stride
      for j in 0..<weight.columns {
        let shrink = unsafe w[j] * u[j] >= least ? decay : 0
        unsafe w[j] -= shrink * w[j] + rate * u[j]
      }
    }
  }
}
