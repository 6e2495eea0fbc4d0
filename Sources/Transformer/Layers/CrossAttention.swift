package import MiniGPTTensors

// The decoder's middle sub-layer, MultiHead(x, m, m): queries come from the target's rows x, keys and values from the
// encoder's output m, padding left out. Vaswani et al. 2017, §3.2.3, "encoder-decoder attention".
//
// x, y `[B·T, C]`, m `[B·S, C]`. The layer is the same; of its matrix the queries' columns meet x, the others m. Neither is
// normalized or turned: places of two texts have no distance.
extension MultiHeadAttention {
  /// What cross-attention looks at: the encoder's output.
  package struct Source: Sendable {
    /// m, `[B·S, C]`
    package let rows: Slot
    package let texts: Sequences
    /// `[B·S, C]`, which every block adds to.
    package let gradient: Slot

    package init(rows: Slot, texts: Sequences, gradient: Slot) {
      self.rows = rows
      self.texts = texts
      self.gradient = gradient
    }
  }

  /// What cross-attention keeps, and the temporary memory of all blocks.
  package struct CrossSaved: Sendable {
    /// `[B·T, H·D]`
    package let queries: Slot
    /// Keys and values, `[B·S, 2G·D]`.
    package let keyValues: Slot
    /// `[B·T, H·D]`
    package let heads: Slot
    let logSums: Slot
    let workspace: CrossWorkspace

    /// For at most B·T rows of targets and B·S of sources.
    package init(
      rows: Int, sourceRows: Int, _ shape: BlockShape, _ workspace: CrossWorkspace, in plan: inout MemoryPlan
    ) {
      queries = plan.take(rows, shape.attention.queryWidth)
      keyValues = plan.take(sourceRows, 2 * shape.attention.keyWidth)
      heads = plan.take(rows, shape.attention.queryWidth)
      logSums = plan.take(shape.heads, rows)
      self.workspace = workspace
    }
  }

  /// Gradients of what `CrossSaved` keeps, in the same shapes.
  package struct CrossWorkspace: Sendable {
    let headsGradient: Slot
    let queriesGradient: Slot
    let keyValuesGradient: Slot

    /// Nothing where there is no backward pass. The source's rows serve all blocks of a column in turn.
    package init(
      rows: Int, sourceRows: Int, _ shape: BlockShape, _ purpose: Purpose, in plan: inout MemoryPlan
    ) {
      let rows = purpose.trains ? rows : 0
      headsGradient = plan.take(rows, shape.attention.queryWidth)
      queriesGradient = plan.take(rows, shape.attention.queryWidth)
      keyValuesGradient = plan.take(purpose.trains ? sourceRows : 0, 2 * shape.attention.keyWidth)
    }
  }

  /// The queries' part of the projections.
  package var query: Linear { queryKeyValue.columns(shape.queries) }
  /// The keys' and values' part, side by side.
  package var keyValue: Linear { queryKeyValue.columns(shape.keysAndValues) }

  /// One text of `x.rows` places and its source.
  package static func crossReference<Scalar: Real>(
    _ x: PlainMatrix<Scalar>, over source: PlainMatrix<Scalar>, _ name: String, _ block: BlockConfiguration,
    _ parameters: PlainParameters<Scalar>
  ) -> PlainMatrix<Scalar> {
    let shape = block.attention
    let queries = Linear.reference(x, name + ".queryKeyValue", parameters).columns(shape.queries)
    let projections = Linear.reference(source, name + ".queryKeyValue", parameters)
    let mixed = ScaledDotProductAttention.reference(
      query: queries, key: projections.columns(shape.keys), value: projections.columns(shape.values), shape,
      mask: .full)
    return Linear.reference(mixed.output, name + ".output", parameters)
  }

  package func forward(_ x: Slot, over source: Source, into y: Slot, _ saved: CrossSaved, _ pass: Pass) {
    let queries = saved.queries.first(x.rows), keyValues = saved.keyValues.first(source.rows.rows)
    let heads = saved.heads.first(x.rows), memory = pass.memory
    query.forward(x, into: queries, in: memory)  // [B·T, H·D]
    keyValue.forward(source.rows, into: keyValues, in: memory)  // [B·S, 2G·D]
    attention.forward(
      operands(queries, pass.texts, keyValues, source.texts), into: heads,
      logSums: logSums(saved.logSums, pass.texts), dropout: weightDropout(pass.dropout), in: memory)  // [B·T, H·D]
    output.forward(heads, into: y, in: memory)  // [B·T, C]
  }

  /// dx is set, the source's gradient is added to its own.
  package func backward(
    _ dy: Slot, _ x: Slot, over source: Source, into dx: Slot, _ saved: CrossSaved, _ pass: Pass
  ) {
    let sourceRows = source.rows.rows, memory = pass.memory
    let queries = saved.queries.first(x.rows), keyValues = saved.keyValues.first(sourceRows)
    let heads = saved.heads.first(x.rows), dHeads = saved.workspace.headsGradient.first(x.rows)  // [B·T, H·D]
    let dQueries = saved.workspace.queriesGradient.first(x.rows)  // [B·T, H·D]
    let dKeyValues = saved.workspace.keyValuesGradient.first(sourceRows)  // [B·S, 2G·D]
    output.backward(dy, heads, into: dHeads, in: memory)
    attention.backward(
      dHeads, operands(queries, pass.texts, keyValues, source.texts),
      from: ScaledDotProductAttention.Kept(output: heads, logSums: logSums(saved.logSums, pass.texts)),
      into: operands(dQueries, pass.texts, dKeyValues, source.texts), dropout: weightDropout(pass.dropout), in: memory)
    keyValue.backward(dKeyValues, source.rows, addTo: source.gradient, in: memory)
    query.backward(dQueries, x, into: dx, in: memory)
  }

  private func operands(
    _ queries: Slot, _ texts: Sequences, _ keyValues: Slot, _ sources: Sequences
  ) -> ScaledDotProductAttention.Operands {
    ScaledDotProductAttention.Operands(
      query: queries, key: keyValues.columns(0..<shape.keyWidth),
      value: keyValues.columns(shape.keyWidth..<2 * shape.keyWidth), queries: texts, keys: sources)
  }
}
