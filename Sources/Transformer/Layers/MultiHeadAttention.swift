package import Tensors

/// MultiHead(x) = Concat(head₁ … head_H) W^O, head_i = Attention(x W_i^Q, x W_i^K, x W_i^V): Vaswani et al. 2017,
/// §3.2.2.
///
/// x `[B·T, C]`; the three projections of all heads are one matrix `[C, 3C]`, queries, keys and values side by side.
/// Keeps the projections `[B·T, 3C]`, the heads' output `[B·T, C]` and the log-sums `[B·H, T]`.
package struct MultiHeadAttention: Sendable {
  package let queryKeyValue: Linear
  package let output: Linear
  package let attention: ScaledDotProductAttention
  package let dropout: Dropout
  private let width: Int
  private let context: Int

  package init(
    _ name: String, _ configuration: GPTConfiguration, dropout: Dropout, in layout: inout ParameterLayout
  ) {
    width = configuration.width
    context = configuration.context
    queryKeyValue = Linear(
      name + ".queryKeyValue", width, 3 * width, start: .normal(deviation: 0.02), in: &layout)
    output = Linear(
      name + ".output", width, width, start: .normal(deviation: configuration.residualDeviation), in: &layout)
    attention = ScaledDotProductAttention(heads: configuration.heads, mask: .causal)
    self.dropout = dropout
  }

  package struct Saved: Sendable {
    package let projections: Slot
    package let heads: Slot
    package let logSums: Slot

    package init(batch: Int, length: Int, heads: Int, width: Int, in planner: inout SlotPlanner) {
      projections = planner.take(batch * length, 3 * width)
      self.heads = planner.take(batch * length, width)
      logSums = planner.take(batch * heads, length)
    }
  }

  package static func reference<Scalar: Real>(
    _ x: PlainMatrix<Scalar>, _ name: String, length: Int, heads: Int, mask: AttentionMask,
    _ parameters: PlainParameters<Scalar>
  ) -> PlainMatrix<Scalar> {
    let projections = Linear.reference(x, name + ".queryKeyValue", parameters), width = x.columns
    let mixed = ScaledDotProductAttention.reference(
      query: projections.columns(0..<width), key: projections.columns(width..<2 * width),
      value: projections.columns(2 * width..<3 * width), queryLength: length, keyLength: length, heads: heads,
      mask: mask)
    return Linear.reference(mixed.output, name + ".output", parameters)
  }

  package func forward(
    _ x: Slot, into y: Slot, length: Int, _ context: DropoutContext?, saved: Saved, in memory: Memory
  ) {
    queryKeyValue.forward(x, into: saved.projections, in: memory)  // [B·T, 3C]
    attention.forward(
      operands(saved.projections, length: length), into: saved.heads, logSums: saved.logSums,
      dropout: weightDropout(context), in: memory)  // [B·T, C]
    output.forward(saved.heads, into: y, in: memory)  // [B·T, C]
  }

  /// dx is set; `dHeads` `[B·T, C]` and `dProjections` `[B·T, 3C]` are used on the way.
  package func backward(
    _ dy: Slot, _ x: Slot, into dx: Slot, dHeads: Slot, dProjections: Slot, length: Int, _ context: DropoutContext?,
    saved: Saved, in memory: Memory
  ) {
    output.backward(dy, saved.heads, into: dHeads, in: memory)
    attention.backward(
      dHeads, operands(saved.projections, length: length), output: saved.heads, logSums: saved.logSums,
      into: operands(dProjections, length: length), dropout: weightDropout(context), in: memory)
    queryKeyValue.backward(dProjections, x, into: dx, in: memory)
  }

  private func operands(_ projections: Slot, length: Int) -> ScaledDotProductAttention.Operands {
    ScaledDotProductAttention.Operands(
      query: projections.columns(0..<width), key: projections.columns(width..<2 * width),
      value: projections.columns(2 * width..<3 * width), queryLength: length, keyLength: length)
  }

  private func weightDropout(_ dropoutContext: DropoutContext?) -> ScaledDotProductAttention.WeightDropout? {
    dropout.mask(dropoutContext).map { ScaledDotProductAttention.WeightDropout(mask: $0, context: context) }
  }
}
