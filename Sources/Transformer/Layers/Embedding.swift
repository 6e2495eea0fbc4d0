package import MiniGPTTensors

/// x[t] = scale · E[id] + P[t]: Vaswani et al. 2017, §3.4 and §3.5. A lookup is the product of a one-hot row and the
/// table.
///
/// E `[V, C]`; P `[context, C]` learned, sinusoidal or absent; x `[B·T, C]`. The same E, transposed, makes the logits
/// (Press and Wolf 2017, arXiv:1608.05859), and in a translator both sides share it.
package struct Embedding: Sendable {
  package let table: Slot
  /// √C in the paper, 1 in a GPT.
  package let scale: Float
  /// Learned positions, trained with the rest. Fixed ones lie among the activations: they are no parameters.
  package let learned: Slot?

  /// A GPT's: a table of its own, not scaled.
  package init(
    vocabulary: Int, context: Int, width: Int, positions: Positions, in layout: inout ParameterLayout
  ) {
    let start = Parameter.Start.normal(deviation: 0.02)
    self.init(
      sharing: layout.matrix("tokenEmbedding", vocabulary, width, start: start), scale: 1, context: context,
      positions: positions, "positionEmbedding", start: start, in: &layout)
  }

  /// One that looks up in a table that is there already; `name` and `start` are those of learned positions.
  package init(
    sharing table: Slot, scale: Float, context: Int, positions: Positions, _ name: String, start: Parameter.Start,
    in layout: inout ParameterLayout
  ) {
    self.table = table
    self.scale = scale
    learned = positions.haveTrainedTable ? layout.matrix(name, context, table.columns, start: start) : nil
  }

  /// `fixed` is the sinusoidal table, where there is one.
  package static func reference<Scalar: Real>(
    _ ids: [Int], length: Int, scale: Scalar = 1, learned name: String = "positionEmbedding",
    fixed: PlainMatrix<Scalar>? = nil, _ parameters: PlainParameters<Scalar>
  ) -> PlainMatrix<Scalar> {
    let table = parameters.matrix("tokenEmbedding"), positions = fixed ?? parameters.matrix(name)
    return PlainMatrix(ids.count, table.columns) { i, channel in
      let token = scale * table[ids[i], channel]
      return positions.rows == 0 ? token : token + positions[i % length, channel]
    }
  }

  /// `fixed` `[≥ T, C]` holds the sinusoidal table where there is one.
  package func forward(_ ids: IndexSlot, into x: Slot, fixed: Slot?, length: Int, in memory: Memory) {
    memory.gather(x, ids, table: table, scale: scale, positions: learned ?? fixed, length: length)  // [B·T, C]
  }

  /// dE[id] += scale · dx[t], dP[t] += Σ over the batch.
  package func backward(_ dx: Slot, _ ids: IndexSlot, length: Int, in memory: Memory) {
    memory.scatterAdd(table.at(.gradients), ids, dx, scale: scale)
    if let learned { memory.addOverBatch(learned.at(.gradients), dx, length: length) }
  }
}
