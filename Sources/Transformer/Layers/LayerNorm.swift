package import MiniGPTTensors

/// y = γ (x - μ) / √(σ² + ε) + β, row by row: Ba, Kiros, Hinton 2016 (arXiv:1607.06450), eq. (3); β may be left out.
///
/// x, y `[N, C]`, γ, β `[C]`. Mean and deviation are a row's own: other rows change no bit. Keeps μ and 1/σ of each
/// row, `[N, 2]`; callers of `backward` have x.
package struct LayerNorm: Sendable {
  package let gain: Slot
  package let bias: Slot?
  package let epsilon: Float

  package init(_ name: String, _ block: BlockConfiguration, in layout: inout ParameterLayout) {
    gain = layout.gain(name + ".gain", block.width)
    bias = block.hasBiases ? layout.bias(name + ".bias", block.width) : nil
    epsilon = Float(block.normEpsilon)
  }

  @_specialize(where Scalar == Double)
  package static func reference<Scalar: Real>(
    _ x: PlainMatrix<Scalar>, _ name: String, epsilon: Double, _ parameters: PlainParameters<Scalar>
  ) -> PlainMatrix<Scalar> {
    let gain = parameters.row(name + ".gain"), bias = parameters.row(name + ".bias"), n = Scalar(x.columns)
    return PlainMatrix(
      x.rows, x.columns,
      (0..<x.rows).flatMap { r in
        let row = x.row(r)
        let mean = row.reduce(0, +) / n
        let variance = row.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / n
        let deviation = (variance + Scalar(epsilon)).squareRoot()
        return row.indices.map { gain[$0] * (row[$0] - mean) / deviation + (bias.isEmpty ? 0 : bias[$0]) }
      })
  }

  package func forward(_ x: Slot, into y: Slot, statistics: Slot, in memory: Memory) {
    memory.layerNorm(y, x, gain: gain, bias: bias, .compute(epsilon: epsilon, into: statistics))
  }

  /// Computes y once more, from x and the statistics: cheaper than keeping it.
  package func recompute(_ x: Slot, into y: Slot, statistics: Slot, in memory: Memory) {
    memory.layerNorm(y, x, gain: gain, bias: bias, .reuse(statistics))
  }

  /// dx += (g - mean g - x̂ · mean(g x̂)) / σ with g = γ dy; dγ += Σ dy x̂, dβ += Σ dy.
  package func backward(_ dy: Slot, _ x: Slot, addTo dx: Slot, statistics: Slot, in memory: Memory) {
    memory.layerNormParameters(gain.at(.gradients), bias?.at(.gradients), dy, x, statistics: statistics)
    memory.layerNormBackward(dx, dy, x, gain: gain, statistics: statistics)
  }
}
