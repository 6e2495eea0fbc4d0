package import MiniGPTTensors

/// What happens to queries and keys before they meet: RMS norms over each head with one gain for all heads of queries and
/// one for all of keys (Henry et al. 2020, arXiv:2010.04245, §3, in the form of Qwen3), then rotary positions.
///
/// q `[B·T, H·D]`, k `[B·T, G·D]`, gains `[D]`. Without norms they are turned in place, and their gradients back in place.
/// With norms what comes out stands in memory that all blocks share, and is computed once more in the backward pass.
package struct QueryKeyPreparation: Sendable {
  private let shape: AttentionShape
  private let isRotary: Bool
  private let epsilon: Float
  /// Of queries and of keys; nil: not normalized.
  private let gains: (query: Slot, key: Slot)?

  /// Nil where nothing happens to them.
  package init?(_ name: String, _ block: BlockConfiguration, in layout: inout ParameterLayout) {
    shape = block.attention
    isRotary = block.positions == .rotary
    epsilon = Float(block.normEpsilon)
    gains =
      block.normalizesQueriesAndKeys
      ? (
        layout.gain(name + ".queryNorm.gain", shape.headWidth), layout.gain(name + ".keyNorm.gain", shape.headWidth)
      ) : nil
    if !isRotary && gains == nil { return nil }
  }

  /// Temporary memory of all blocks.
  package struct Workspace: Sendable {
    /// Queries and keys as they meet, `[B·T, (H + G)·D]`; nil: they are turned where they stand.
    let prepared: Slot?
    /// `[·, D]`
    let bands: Slot

    package init(rows: Int, _ block: BlockConfiguration, _ purpose: Purpose, in plan: inout MemoryPlan) {
      let shape = block.attention, isNormalized = block.normalizesQueriesAndKeys
      prepared = isNormalized ? plan.take(rows, shape.queryWidth + shape.keyWidth) : nil
      let band = Memory.rowsPerHeadBand
      bands = plan.take(isNormalized && purpose.trains ? (rows + band - 1) / band : 0, shape.headWidth)
    }
  }

  package static func reference<Scalar: Real>(
    query: PlainMatrix<Scalar>, key: PlainMatrix<Scalar>, _ name: String, length: Int, _ block: BlockConfiguration,
    _ parameters: PlainParameters<Scalar>
  ) -> (query: PlainMatrix<Scalar>, key: PlainMatrix<Scalar>) {
    let width = block.attention.headWidth
    func prepared(_ x: PlainMatrix<Scalar>, _ norm: String) -> PlainMatrix<Scalar> {
      var y = x
      if block.normalizesQueriesAndKeys {
        // Heads are rows of their own for the norm.
        let heads = PlainMatrix(x.elements.count / width, width, x.elements)
        let gain = parameters.row(name + norm)
        y = PlainMatrix(
          x.rows, x.columns, RMSNorm.reference(heads, gain: gain, epsilon: block.normEpsilon).elements)
      }
      return block.positions == .rotary ? RotaryEmbedding.reference(y, length: length, block) : y
    }
    return (prepared(query, ".queryNorm.gain"), prepared(key, ".keyNorm.gain"))
  }

  /// Queries and keys as they meet, from `projections` `[B·T, (H + 2G)·D]`, which they may stand in.
  func forward(_ projections: Slot, _ workspace: Workspace, _ pass: Pass) -> (query: Slot, key: Slot) {
    let prepared = places(projections, workspace), places = RowPlaces.texts(length: pass.texts.length)
    pass.memory.turnHeads(prepared.query, projections.columns(shape.queries), query(pass.rotation), at: places)
    pass.memory.turnHeads(prepared.key, projections.columns(shape.keys), key(pass.rotation), at: places)
    return prepared
  }

  /// The same once more in the backward pass, where it does not stand there still.
  func recompute(_ projections: Slot, _ workspace: Workspace, _ pass: Pass) -> (query: Slot, key: Slot) {
    gains == nil ? places(projections, workspace) : forward(projections, workspace, pass)
  }

  /// `gradients` `[B·T, (H + 2G)·D]` come in as those of what meets and leave as those of the projections.
  func backward(_ gradients: Slot, _ projections: Slot, _ workspace: Workspace, _ pass: Pass) {
    let places = RowPlaces.texts(length: pass.texts.length)
    pass.memory.turnHeadsBackward(
      gradients.columns(shape.queries), projections.columns(shape.queries), query(pass.rotation),
      dgain: gains?.query.at(.gradients), bands: workspace.bands, at: places)
    pass.memory.turnHeadsBackward(
      gradients.columns(shape.keys), projections.columns(shape.keys), key(pass.rotation),
      dgain: gains?.key.at(.gradients), bands: workspace.bands, at: places)
  }

  /// Rows of a decoding step, where they stand.
  func decode(_ projections: Slot, _ context: DecodingContext, in memory: Memory) {
    let places = RowPlaces.given(context.rows.places), queries = projections.columns(shape.queries)
    memory.turnHeads(queries, queries, query(context.rotation), at: places)
    let keys = projections.columns(shape.keys)
    memory.turnHeads(keys, keys, key(context.rotation), at: places)
  }

  private func places(_ projections: Slot, _ workspace: Workspace) -> (query: Slot, key: Slot) {
    // Both lie side by side, as they do among the projections.
    let all = workspace.prepared?.first(projections.rows) ?? projections
    return (all.columns(shape.queries), all.columns(shape.keys))
  }

  private func query(_ table: Slot?) -> HeadTurn { turn(gains?.query, table) }
  private func key(_ table: Slot?) -> HeadTurn { turn(gains?.key, table) }

  private func turn(_ gain: Slot?, _ table: Slot?) -> HeadTurn {
    HeadTurn(headWidth: shape.headWidth, gain: gain, epsilon: epsilon, table: isRotary ? table : nil)
  }
}
