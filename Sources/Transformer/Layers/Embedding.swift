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
  package let positions: PositionTable

  /// Where P comes from.
  package enum PositionTable: Sendable {
    /// Trained with the rest.
    case learned(Slot)
    /// The sines and cosines, times a factor: no parameters, but written once into the activations.
    case sinusoidal(scale: Float)
    case none
  }

  /// The parts of an embedding that are not its table.
  package struct Shape: Sendable {
    package let scale: Float
    package let context: Int
    package let positions: Positions
    /// Of the sinusoidal table.
    package let positionScale: Float
    /// The name and the start of a learned one.
    package let positionName: String
    package let start: Parameter.Start
  }

  /// Looks up in a table that is there already; learned positions come right after what the layout has.
  package init(of table: Slot, _ shape: Shape, in layout: inout ParameterLayout) {
    self.table = table
    scale = shape.scale
    switch shape.positions.table {
    case .learned:
      positions = .learned(
        layout.table(shape.positionName, shape.context, table.columns, start: shape.start))
    case .fixed: positions = .sinusoidal(scale: shape.positionScale)
    case nil: positions = .none
    }
  }

  /// The trained table of positions, where there is one.
  package var learned: Slot? {
    switch positions {
    case .learned(let slot): slot
    case .sinusoidal, .none: nil
    }
  }

  /// P, learned or `fixed`.
  func positions(_ fixed: Slot?) -> Slot? {
    switch positions {
    case .learned(let slot): slot
    case .sinusoidal: fixed
    case .none: nil
    }
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

  /// `fixed` `[≥ T, C]` is `PositionTables.added`.
  package func forward(_ ids: IndexSlot, into x: Slot, fixed: Slot?, _ pass: Pass) {
    pass.memory.gather(
      x, ids, table: table, scale: scale, positions: positions(fixed), length: pass.texts.length)  // [B·T, C]
  }

  /// dE[id] += scale · dx[t], dP[t] += Σ over the batch.
  package func backward(_ dx: Slot, _ ids: IndexSlot, _ pass: Pass) {
    pass.memory.scatterAdd(table.at(.gradients), ids, dx, scale: scale)
    if case .learned(let positions) = positions {
      pass.memory.addOverBatch(positions.at(.gradients), dx, length: pass.texts.length)
    }
  }
}
