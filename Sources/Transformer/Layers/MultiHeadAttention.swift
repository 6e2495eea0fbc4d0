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
    _ name: String, _ shape: BlockShape, mask: AttentionMask, dropoutSite: Int, in layout: inout ParameterLayout
  ) {
    width = shape.width
    context = shape.context
    queryKeyValue = Linear(name + ".queryKeyValue", width, 3 * width, start: shape.start, in: &layout)
    output = Linear(name + ".output", width, width, start: shape.residualStart, in: &layout)
    attention = ScaledDotProductAttention(heads: shape.heads, mask: mask)
    dropout = shape.dropsAttentionWeights ? Dropout(site: dropoutSite) : nil
  }

  /// What forward keeps, and the temporary memory of all blocks.
  package struct Saved: Sendable {
    /// `[B·T, 3C]`: queries, keys and values.
    package let projections: Slot
    /// `[B·T, C]`
    package let heads: Slot
    package let logSums: Slot
    let workspace: Workspace

    /// For at most `rows` = B·T rows.
    package init(rows: Int, _ shape: BlockShape, _ workspace: Workspace, in plan: inout MemoryPlan) {
      projections = plan.take(rows, 3 * shape.width)
      heads = plan.take(rows, shape.width)
      logSums = plan.take(shape.heads, rows)
      self.workspace = workspace
    }
  }

  /// Gradients, of the heads' output and of the projections.
  package struct Workspace: Sendable {
    /// `[B·T, C]`
    let headsGradient: Slot
    /// `[B·T, 3C]`
    let projectionsGradient: Slot

    /// Nothing where there is no backward pass.
    package init(rows: Int, _ shape: BlockShape, _ purpose: Purpose, in plan: inout MemoryPlan) {
      let rows = purpose.trains ? rows : 0
      headsGradient = plan.take(rows, shape.width)
      projectionsGradient = plan.take(rows, 3 * shape.width)
    }
  }

  package static func reference<Scalar: Real>(
    _ x: PlainMatrix<Scalar>, _ name: String, length: Int, _ block: BlockConfiguration, mask: AttentionMask,
    _ parameters: PlainParameters<Scalar>
  ) -> PlainMatrix<Scalar> {
    let projections = Linear.reference(x, name + ".queryKeyValue", parameters), width = x.columns
    let mixed = ScaledDotProductAttention.reference(
      query: projections.columns(0..<width), key: projections.columns(width..<2 * width),
      value: projections.columns(2 * width..<3 * width), texts: x.rows / length, heads: block.heads,
      mask: mask)
    return Linear.reference(mixed.output, name + ".output", parameters)
  }

  package func forward(_ x: Slot, into y: Slot, _ saved: Saved, _ pass: Pass) {
    let projections = saved.projections.first(x.rows), heads = saved.heads.first(x.rows)
    queryKeyValue.forward(x, into: projections, in: pass.memory)  // [B·T, 3C]
    attention.forward(
      operands(projections, pass.texts), into: heads, logSums: logSums(saved.logSums, pass.texts),
      dropout: weightDropout(pass.dropout), in: pass.memory)  // [B·T, C]
    output.forward(heads, into: y, in: pass.memory)  // [B·T, C]
  }

  /// dx is set.
  package func backward(_ dy: Slot, _ x: Slot, into dx: Slot, _ saved: Saved, _ pass: Pass) {
    let projections = saved.projections.first(x.rows), heads = saved.heads.first(x.rows), memory = pass.memory
    let dHeads = saved.workspace.headsGradient.first(x.rows)  // [B·T, C]
    let dProjections = saved.workspace.projectionsGradient.first(x.rows)  // [B·T, 3C]
    output.backward(dy, heads, into: dHeads, in: memory)
    attention.backward(
      dHeads, operands(projections, pass.texts),
      from: ScaledDotProductAttention.Kept(output: heads, logSums: logSums(saved.logSums, pass.texts)),
      into: operands(dProjections, pass.texts), dropout: weightDropout(pass.dropout), in: memory)
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

  func weightDropout(_ step: DropoutStep?) -> ScaledDotProductAttention.WeightDropout? {
    dropout?.mask(step).map { ScaledDotProductAttention.WeightDropout(mask: $0, context: context) }
  }
}
