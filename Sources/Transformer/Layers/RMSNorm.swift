package import MiniGPTTensors

/// y = γ x / √(mean(x²) + ε), row by row: Zhang and Sennrich 2019 (arXiv:1910.07467), eq. (4).
///
/// A layer norm without mean and β. x, y `[N, C]`, γ `[C]`; one pass less over a row than a layer norm takes. A row's root mean square is its own: other rows change no bit.
/// Keeps its reciprocal, `[N, 1]`; callers of `backward` have x.
package struct RMSNorm: Sendable {
  package let gain: Slot
  package let epsilon: Float

  package init(_ name: String, _ block: BlockConfiguration, in layout: inout ParameterLayout) {
    gain = layout.gain(name + ".gain", block.width)
    epsilon = Float(block.normEpsilon)
  }

  @_specialize(where Scalar == Double)
  package static func reference<Scalar: Real>(
    _ x: PlainMatrix<Scalar>, gain: [Scalar], epsilon: Double
  ) -> PlainMatrix<Scalar> {
    PlainMatrix(
      x.rows, x.columns,
      (0..<x.rows).flatMap { r in
        let row = x.row(r)
        let root = (row.map { $0 * $0 }.reduce(0, +) / Scalar(x.columns) + Scalar(epsilon)).squareRoot()
        return row.indices.map { gain[$0] * row[$0] / root }
      })
  }

  package func forward(_ x: Slot, into y: Slot, statistics: Slot, in memory: Memory) {
    memory.rmsNorm(y, x, gain: gain, .compute(epsilon: epsilon, into: statistics))
  }

  /// Computes y once more, from x and the statistics: cheaper than keeping it.
  package func recompute(_ x: Slot, into y: Slot, statistics: Slot, in memory: Memory) {
    memory.rmsNorm(y, x, gain: gain, .reuse(statistics))
  }

  /// dx += r (g - x̂ · mean(g x̂)) with g = γ dy, x̂ = r x, r = 1 / √(mean(x²) + ε); dγ += Σ dy x̂.
  package func backward(_ dy: Slot, _ x: Slot, addTo dx: Slot, statistics: Slot, in memory: Memory) {
    memory.rmsNormParameters(gain.at(.gradients), dy, x, statistics: statistics)
    memory.rmsNormBackward(dx, dy, x, gain: gain, statistics: statistics)
  }
}
