package import Tensors

/// x[t] = E[id] + P[t]: Vaswani et al. 2017, §3.4 and §3.5. A lookup is the product of a one-hot row and the table.
///
/// E `[V, C]`; P `[context, C]` learned, sinusoidal or absent; x `[B·T, C]`. The same E, transposed, makes the logits
/// (Press and Wolf 2017, arXiv:1608.05859).
package struct Embedding: Sendable {
  package let table: Slot
  /// Learned positions, trained with the rest.
  package let learned: Slot?
  /// Fixed positions lie among the activations: they are no parameters.
  package let context: Int
  package let positions: Positions

  package init(
    vocabulary: Int, context: Int, width: Int, positions: Positions, in layout: inout ParameterLayout
  ) {
    table = layout.matrix("tokenEmbedding", vocabulary, width, start: .normal(deviation: 0.02))
    learned =
      positions == .learned
      ? layout.matrix("positionEmbedding", context, width, start: .normal(deviation: 0.02)) : nil
    self.context = context
    self.positions = positions
  }

  package static func reference<Scalar: Real>(
    _ ids: [Int], length: Int, positions: Positions, _ parameters: PlainParameters<Scalar>
  ) -> PlainMatrix<Scalar> {
    let table = parameters.matrix("tokenEmbedding"), learned = parameters.matrix("positionEmbedding")
    let fixed: PlainMatrix<Scalar> = PositionalEncoding.table(
      rows: length, width: table.columns, scale: PositionalEncoding.gptScale())
    return PlainMatrix(ids.count, table.columns) { i, channel in
      switch positions {
      case .learned: table[ids[i], channel] + learned[i % length, channel]
      case .sinusoidal: table[ids[i], channel] + fixed[i % length, channel]
      case .none: table[ids[i], channel]
      }
    }
  }

  /// `fixed` `[≥ T, C]` holds the sinusoidal table where there is one.
  package func forward(_ ids: IndexSlot, into x: Slot, fixed: Slot?, length: Int, in memory: Memory) {
    memory.gather(x, ids, table: table, scale: 1, positions: learned ?? fixed, length: length)  // [B·T, C]
  }

  /// dE[id] += dx[t], dP[t] += Σ over the batch.
  package func backward(_ dx: Slot, _ ids: IndexSlot, length: Int, in memory: Memory) {
    memory.scatterAdd(table.at(.gradients), ids, dx, scale: 1)
    if let learned { memory.addOverBatch(learned.at(.gradients), dx, length: length) }
  }
}
