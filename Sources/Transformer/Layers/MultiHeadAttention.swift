package import MiniGPTTensors

/// MultiHead(Q, K, V) = Concat(head₁ … head_H) W^O, head_i = Attention(Q W_i^Q, K W_i^K, V W_i^V): Vaswani et al. 2017,
/// §3.2.2. Here Q = K = V = x, self-attention; `CrossAttention.swift` has keys and values from another text.
///
/// x `[B·T, C]`; the three projections of all heads are one matrix `[C, (H + 2G)·D]`, queries, keys and values side by
/// side, in the usual shape `[C, 3C]`. G < H heads of keys and values serve H / G heads of queries each: Ainslie et al.
/// 2023 (arXiv:2305.13245), §2.2. Keeps the projections, the heads' output `[B·T, H·D]` and the log-sums `[B·H, T]`.
package struct MultiHeadAttention: Sendable {
  package let queryKeyValue: Linear
  package let output: Linear
  package let attention: ScaledDotProductAttention
  package let shape: AttentionShape
  /// Norms of queries and keys, rotary positions; nil where there are none.
  package let preparation: QueryKeyPreparation?
  /// Of the weights; nil: they are never dropped.
  package let dropout: Dropout?
  private let context: Int

  package init(
    _ name: String, _ block: BlockShape, mask: AttentionMask, prepares: Bool = true, dropoutSite: Int,
    in layout: inout ParameterLayout
  ) {
    let width = block.width
    shape = block.attention
    context = block.context
    queryKeyValue = Linear(
      name + ".queryKeyValue", width, shape.width, parts: shape.heads + 2 * shape.keyValueHeads, start: block.start,
      hasBias: block.hasBiases, in: &layout)
    preparation = prepares ? QueryKeyPreparation(name, block.block, in: &layout) : nil
    output = Linear(
      name + ".output", shape.queryWidth, width, start: block.residualStart, hasBias: block.hasBiases, in: &layout)
    attention = ScaledDotProductAttention(heads: shape.heads, keyValueHeads: shape.keyValueHeads, mask: mask)
    dropout = block.dropsAttentionWeights ? Dropout(site: dropoutSite) : nil
  }

  /// What forward keeps, and the temporary memory of all blocks.
  package struct Saved: Sendable {
    /// `[B·T, (H + 2G)·D]`: queries, keys and values; turned where nothing is normalized.
    package let projections: Slot
    /// `[B·T, H·D]`
    package let heads: Slot
    package let logSums: Slot
    let workspace: Workspace

    /// For at most `rows` = B·T rows.
    package init(rows: Int, _ block: BlockShape, _ workspace: Workspace, in plan: inout MemoryPlan) {
      projections = plan.take(rows, block.attention.width)
      heads = plan.take(rows, block.attention.queryWidth)
      logSums = plan.take(block.heads, rows)
      self.workspace = workspace
    }
  }

  /// Gradients, of the heads' output and of the projections.
  package struct Workspace: Sendable {
    /// `[B·T, H·D]`
    let headsGradient: Slot
    /// `[B·T, (H + 2G)·D]`
    let projectionsGradient: Slot
    let preparation: QueryKeyPreparation.Workspace

    /// No gradients where there is no backward pass.
    package init(rows: Int, _ block: BlockShape, _ purpose: Purpose, in plan: inout MemoryPlan) {
      preparation = QueryKeyPreparation.Workspace(rows: rows, block.block, purpose, in: &plan)
      let rows = purpose.trains ? rows : 0
      headsGradient = plan.take(rows, block.attention.queryWidth)
      projectionsGradient = plan.take(rows, block.attention.width)
    }
  }

  package static func reference<Scalar: Real>(
    _ x: PlainMatrix<Scalar>, _ name: String, length: Int, _ block: BlockConfiguration, mask: AttentionMask,
    _ parameters: PlainParameters<Scalar>
  ) -> PlainMatrix<Scalar> {
    let projections = Linear.reference(x, name + ".queryKeyValue", parameters), shape = block.attention
    let (query, key) = QueryKeyPreparation.reference(
      query: projections.columns(shape.queries), key: projections.columns(shape.keys), name, length: length, block,
      parameters)
    let mixed = ScaledDotProductAttention.reference(
      query: query, key: key, value: projections.columns(shape.values), texts: x.rows / length, shape, mask: mask)
    return Linear.reference(mixed.output, name + ".output", parameters)
  }

  package func forward(_ x: Slot, into y: Slot, _ saved: Saved, _ pass: Pass) {
    let projections = saved.projections.first(x.rows), heads = saved.heads.first(x.rows)
    queryKeyValue.forward(x, into: projections, in: pass.memory)  // [B·T, (H + 2G)·D]
    let prepared = preparation?.forward(projections, saved.workspace.preparation, pass)
    attention.forward(
      operands(prepared, projections, pass.texts), into: heads, logSums: logSums(saved.logSums, pass.texts),
      dropout: weightDropout(pass.dropout), in: pass.memory)  // [B·T, H·D]
    output.forward(heads, into: y, in: pass.memory)  // [B·T, C]
  }

  /// dx is set.
  package func backward(_ dy: Slot, _ x: Slot, into dx: Slot, _ saved: Saved, _ pass: Pass) {
    let projections = saved.projections.first(x.rows), heads = saved.heads.first(x.rows), memory = pass.memory
    let dHeads = saved.workspace.headsGradient.first(x.rows)  // [B·T, H·D]
    let dProjections = saved.workspace.projectionsGradient.first(x.rows)  // [B·T, (H + 2G)·D]
    output.backward(dy, heads, into: dHeads, in: memory)
    attention.backward(
      dHeads, operands(preparedAgain(projections, saved, pass), projections, pass.texts),
      from: ScaledDotProductAttention.Kept(output: heads, logSums: logSums(saved.logSums, pass.texts)),
      into: operands(nil, dProjections, pass.texts), dropout: weightDropout(pass.dropout), in: memory)
    preparation?.backward(dProjections, projections, saved.workspace.preparation, pass)
    queryKeyValue.backward(dProjections, x, into: dx, in: memory)
  }

  /// Queries and keys as they met in a forward pass, `[B·T, H·D]` and `[B·T, G·D]`, until another block's are asked for.
  package func queriesAndKeys(_ saved: Saved, _ pass: Pass) -> (query: Slot, key: Slot) {
    let projections = saved.projections.first(pass.texts.rows)
    return preparedAgain(projections, saved, pass)
      ?? (projections.columns(shape.queries), projections.columns(shape.keys))
  }

  private func preparedAgain(_ projections: Slot, _ saved: Saved, _ pass: Pass) -> (query: Slot, key: Slot)? {
    preparation?.recompute(projections, saved.workspace.preparation, pass)
  }

  private func operands(
    _ prepared: (query: Slot, key: Slot)?, _ projections: Slot, _ texts: Sequences
  ) -> ScaledDotProductAttention.Operands {
    ScaledDotProductAttention.Operands(
      query: prepared?.query ?? projections.columns(shape.queries),
      key: prepared?.key ?? projections.columns(shape.keys), value: projections.columns(shape.values), queries: texts,
      keys: texts)
  }

  /// `[B·H, T]` of the places that were planned.
  func logSums(_ planned: Slot, _ texts: Sequences) -> Slot {
    planned.shaped(texts.count * attention.heads, texts.length)
  }

  func weightDropout(_ step: DropoutStep?) -> ScaledDotProductAttention.WeightDropout? {
    dropout?.mask(step).map { ScaledDotProductAttention.WeightDropout(mask: $0, context: context) }
  }
}
