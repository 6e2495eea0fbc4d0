package import MiniGPTTensors

/// Where the layer norm of a sub-layer stands.
public enum NormPlacement: String, CaseIterable, Sendable {
  /// x + f(norm(x)), and a norm at the end: GPT-2; Xiong et al. 2020 (arXiv:2002.04745).
  case pre
  /// norm(x + f(x)): the paper, §3.1.
  case post
}

/// The box "Add & Norm" around a sub-layer f: Vaswani et al. 2017, §3.1 and figure 1.
///
/// x, y `[N, C]`. Post-norm: y = norm(x + dropout(f(x))); pre-norm: y = x + dropout(f(norm(x))). Keeps the sum and the
/// norm's statistics `[N, 2]`; what the norm gives is made again on the way back instead of being kept.
package struct AddAndNorm: Sendable {
  package let norm: LayerNorm
  package let residual: Residual
  package let placement: NormPlacement

  package init(
    _ name: String, _ width: Int, _ placement: NormPlacement, dropout: Dropout, in layout: inout ParameterLayout
  ) {
    norm = LayerNorm(name, width, in: &layout)
    residual = Residual(dropout: dropout)
    self.placement = placement
  }

  /// What forward keeps.
  package struct Saved: Sendable {
    package let statistics: Slot
    /// x + dropout(f): pre-norm's result, what post-norm's norm is given.
    package let sum: Slot

    package init(statistics: Slot, sum: Slot) {
      self.statistics = statistics
      self.sum = sum
    }

    package func rows(_ count: Int) -> Saved {
      Saved(statistics: statistics.rows(0..<count), sum: sum.rows(0..<count))
    }
  }

  package static func reference<Scalar: Real>(
    _ x: PlainMatrix<Scalar>, _ name: String, _ placement: NormPlacement, _ parameters: PlainParameters<Scalar>,
    _ sublayer: (PlainMatrix<Scalar>) -> PlainMatrix<Scalar>
  ) -> PlainMatrix<Scalar> {
    switch placement {
    case .pre: x + sublayer(LayerNorm.reference(x, name, parameters))
    case .post: LayerNorm.reference(x + sublayer(x), name, parameters)
    }
  }

  /// `normalized` takes what the norm gives. Gives where the result stands: in `saved.sum` with pre-norm, in `normalized`
  /// with post-norm, where x may have stood too.
  package func forward(
    _ x: Slot, normalized: Slot, length: Int, _ context: DropoutContext?, saved: Saved, in memory: Memory,
    _ sublayer: (_ x: Slot, _ y: Slot) -> Void
  ) -> Slot {
    switch placement {
    case .pre:
      norm.forward(x, into: normalized, statistics: saved.statistics, in: memory)
      sublayer(normalized, saved.sum)
      residual.forward(x, branch: saved.sum, length: length, context, in: memory)
      return saved.sum
    case .post:
      sublayer(x, saved.sum)
      residual.forward(x, branch: saved.sum, length: length, context, in: memory)
      norm.forward(saved.sum, into: normalized, statistics: saved.statistics, in: memory)
      return normalized
    }
  }

  /// The result once more, from what was kept.
  package func again(normalized: Slot, saved: Saved, in memory: Memory) -> Slot {
    if placement == .pre { return saved.sum }
    norm.again(saved.sum, into: normalized, statistics: saved.statistics, in: memory)
    return normalized
  }

  /// `gradient` comes in as dy and leaves as dx. The sub-layer's way back is given the gradient of its result, its input
  /// and a place for its input's gradient; `normalized`, `branch` and `dSum` are used on the way. With post-norm x may
  /// stand in `normalized`.
  package func backward(
    _ gradient: Slot, _ x: Slot, normalized: Slot, branch: Slot, dSum: Slot, length: Int, _ context: DropoutContext?,
    saved: Saved, in memory: Memory, _ sublayer: (_ dy: Slot, _ x: Slot, _ dx: Slot) -> Void
  ) {
    switch placement {
    case .pre:
      // dx = dy + norm'(f'(dropout(dy)))
      let dBranch = residual.backward(gradient, branch: branch, length: length, context, in: memory)
      norm.again(x, into: normalized, statistics: saved.statistics, in: memory)
      sublayer(dBranch, normalized, branch)
      norm.backward(branch, x, addTo: gradient, statistics: saved.statistics, in: memory)
    case .post:
      // ds = norm'(dy), dx = ds + f'(dropout(ds))
      memory.clear(dSum)
      norm.backward(gradient, saved.sum, addTo: dSum, statistics: saved.statistics, in: memory)
      let dBranch = residual.backward(dSum, branch: branch, length: length, context, in: memory)
      sublayer(dBranch, x, gradient)
      memory.add(gradient, dSum)
    }
  }
}
