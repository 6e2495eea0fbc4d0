package import MiniGPTTensors

/// MultiHead(Q, K, V) = Concat(head₁ … head_H) W^O, head_i = Attention(Q W_i^Q, K W_i^K, V W_i^V): Vaswani et al. 2017,
/// §3.2.2. Here Q = K = V = x, self-attention; `CrossAttention.swift` has keys and values from another text.
///
/// x `[B·T, C]`; the three projections of all heads are one matrix `[C, 3C]`, queries, keys and values side by side.
/// Keeps the projections `[B·T, 3C]`, the heads' output `[B·T, C]` and the log-sums `[B·H, T]`.
package struct MultiHeadAttention: Sendable {
  package let queryKeyValue: Linear
  package let output: Linear
  package let attention: ScaledDotProductAttention
  /// Of the weights; nil: they are never dropped.
  package let dropout: Dropout?
  package let width: Int
  private let context: Int

  package init(
    _ name: String, _ shape: BlockShape, mask: AttentionMask, dropout: Dropout, in layout: inout ParameterLayout
  ) {
    width = shape.width
    context = shape.context
    queryKeyValue = Linear(name + ".queryKeyValue", width, 3 * width, start: shape.start, in: &layout)
    output = Linear(name + ".output", width, width, start: shape.residualStart, in: &layout)
    attention = ScaledDotProductAttention(heads: shape.heads, mask: mask)
    self.dropout = shape.dropsAttentionWeights ? dropout : nil
  }

  package struct Saved: Sendable {
    package let projections: Slot
    package let heads: Slot
    package let logSums: Slot

    /// For at most `rows` = B·T rows.
    package init(rows: Int, _ shape: BlockShape, in planner: inout SlotPlanner) {
      projections = planner.take(rows, 3 * shape.width)
      heads = planner.take(rows, shape.width)
      logSums = planner.take(shape.heads, rows)
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
    _ x: Slot, into y: Slot, _ texts: Sequences, _ context: DropoutContext?, saved: Saved, in memory: Memory
  ) {
    let projections = saved.projections.rows(0..<x.rows), heads = saved.heads.rows(0..<x.rows)
    queryKeyValue.forward(x, into: projections, in: memory)  // [B·T, 3C]
    attention.forward(
      operands(projections, texts), into: heads, logSums: logSums(saved.logSums, texts),
      dropout: weightDropout(context), in: memory)  // [B·T, C]
    output.forward(heads, into: y, in: memory)  // [B·T, C]
  }

  /// dx is set; `dHeads` `[B·T, C]` and `dProjections` `[B·T, 3C]` are used on the way.
  package func backward(
    _ dy: Slot, _ x: Slot, into dx: Slot, dHeads: Slot, dProjections: Slot, _ texts: Sequences,
    _ context: DropoutContext?, saved: Saved, in memory: Memory
  ) {
    let projections = saved.projections.rows(0..<x.rows), heads = saved.heads.rows(0..<x.rows)
    output.backward(dy, heads, into: dHeads, in: memory)
    attention.backward(
      dHeads, operands(projections, texts), output: heads, logSums: logSums(saved.logSums, texts),
      into: operands(dProjections, texts), dropout: weightDropout(context), in: memory)
    queryKeyValue.backward(dProjections, x, into: dx, in: memory)
  }

  private func operands(_ projections: Slot, _ texts: Sequences) -> ScaledDotProductAttention.Operands {
    ScaledDotProductAttention.Operands(
      query: projections.columns(0..<width), key: projections.columns(width..<2 * width),
      value: projections.columns(2 * width..<3 * width), queries: texts, keys: texts)
  }

  /// `[B·H, T]` of the places that were planned.
  func logSums(_ planned: Slot, _ texts: Sequences) -> Slot {
    planned.shaped(texts.count * attention.heads, texts.length)
  }

  func weightDropout(_ dropoutContext: DropoutContext?) -> ScaledDotProductAttention.WeightDropout? {
    dropout?.mask(dropoutContext).map { ScaledDotProductAttention.WeightDropout(mask: $0, context: context) }
  }
}
