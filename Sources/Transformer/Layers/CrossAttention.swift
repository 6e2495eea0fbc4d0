package import MiniGPTTensors

// The decoder's middle sub-layer, MultiHead(x, m, m): queries come from the target's rows x, keys and values from the
// encoder's output m, padding left out. Vaswani et al. 2017, §3.2.3, "encoder-decoder attention".
//
// x, y `[B·T, C]`, m `[B·S, C]`. The layer is the same; of its matrix `[C, 3C]` the queries' third meets x, the others m.
extension MultiHeadAttention {
  /// What cross-attention keeps: the queries `[B·T, C]`, keys and values `[B·S, 2C]`, the heads' output `[B·T, C]` and
  /// the log-sums `[B·H, T]`.
  package struct CrossSaved: Sendable {
    package let queries: Slot
    package let keyValues: Slot
    package let heads: Slot
    package let logSums: Slot

    package init(rows: Int, sourceRows: Int, _ shape: BlockShape, in planner: inout SlotPlanner) {
      queries = planner.take(rows, shape.width)
      keyValues = planner.take(sourceRows, 2 * shape.width)
      heads = planner.take(rows, shape.width)
      logSums = planner.take(shape.heads, rows)
    }
  }

  /// The queries' part of the projections.
  package var query: Linear { queryKeyValue.columns(0..<width) }
  /// The keys' and values' part, side by side.
  package var keyValue: Linear { queryKeyValue.columns(width..<3 * width) }

  /// One text of `x.rows` places and its source.
  package static func crossReference<Scalar: Real>(
    _ x: PlainMatrix<Scalar>, over source: PlainMatrix<Scalar>, _ name: String, heads: Int,
    _ parameters: PlainParameters<Scalar>
  ) -> PlainMatrix<Scalar> {
    let width = x.columns
    let queries = Linear.reference(x, name + ".queryKeyValue", parameters).columns(0..<width)
    let projections = Linear.reference(source, name + ".queryKeyValue", parameters)
    let mixed = ScaledDotProductAttention.reference(
      query: queries, key: projections.columns(width..<2 * width), value: projections.columns(2 * width..<3 * width),
      queryLength: x.rows, keyLength: source.rows, heads: heads, mask: .full)
    return Linear.reference(mixed.output, name + ".output", parameters)
  }

  package func forward(
    _ x: Slot, _ texts: Sequences, over source: Slot, _ sources: Sequences, into y: Slot, _ context: DropoutContext?,
    saved: CrossSaved, in memory: Memory
  ) {
    let queries = saved.queries.rows(0..<x.rows), keyValues = saved.keyValues.rows(0..<source.rows)
    let heads = saved.heads.rows(0..<x.rows)
    query.forward(x, into: queries, in: memory)  // [B·T, C]
    keyValue.forward(source, into: keyValues, in: memory)  // [B·S, 2C]
    attention.forward(
      operands(queries, texts, keyValues, sources), into: heads, logSums: logSums(saved.logSums, texts),
      dropout: weightDropout(context), in: memory)  // [B·T, C]
    output.forward(heads, into: y, in: memory)  // [B·T, C]
  }

  /// dx is set, the source's gradient is added to `dSource`; `dHeads`, `dQueries` `[B·T, C]` and `dKeyValues` `[B·S, 2C]`
  /// are used on the way.
  package func backward(
    _ dy: Slot, _ x: Slot, _ texts: Sequences, over source: Slot, _ sources: Sequences, into dx: Slot,
    addTo dSource: Slot, dHeads: Slot, dQueries: Slot, dKeyValues: Slot, _ context: DropoutContext?, saved: CrossSaved,
    in memory: Memory
  ) {
    let queries = saved.queries.rows(0..<x.rows), keyValues = saved.keyValues.rows(0..<source.rows)
    let heads = saved.heads.rows(0..<x.rows)
    output.backward(dy, heads, into: dHeads, in: memory)
    attention.backward(
      dHeads, operands(queries, texts, keyValues, sources), output: heads, logSums: logSums(saved.logSums, texts),
      into: operands(dQueries, texts, dKeyValues, sources), dropout: weightDropout(context), in: memory)
    keyValue.backward(dKeyValues, source, addTo: dSource, in: memory)
    query.backward(dQueries, x, into: dx, in: memory)
  }

  private func operands(
    _ queries: Slot, _ texts: Sequences, _ keyValues: Slot, _ sources: Sequences
  ) -> ScaledDotProductAttention.Operands {
    ScaledDotProductAttention.Operands(
      query: queries, key: keyValues.columns(0..<width), value: keyValues.columns(width..<2 * width), queries: texts,
      keys: sources)
  }
}
