package import MiniGPTTensors

/// Memory for the rows of a decoding step, used by all blocks in turn.
package struct DecodingWorkspace: Sendable {
  /// `[R, C]` each: the stream, a norm's output, a sub-layer's output.
  package let stream: Slot
  let normalized: Slot
  let branch: Slot
  /// The heads' output, `[R, H·D]`.
  let heads: Slot
  /// `[R, (H + 2G)·D]`
  let projections: Slot
  /// `[R, F]`; `[R, 2F]` where there is a gate.
  let hidden: Slot
  /// `[R, 2]`
  let statistics: Slot
  /// Inputs of products in the type of the weights.
  let inputs: Slot

  package init(rows: Int, _ block: BlockConfiguration, in plan: inout MemoryPlan) {
    let width = block.width
    stream = plan.take(rows, width)
    normalized = plan.take(rows, width)
    heads = plan.take(rows, block.attention.queryWidth)
    branch = plan.take(rows, width)
    projections = plan.take(rows, block.attention.width)
    hidden = plan.take(rows, block.hiddenWidth)
    statistics = plan.take(rows, block.normKind.statistics)
    inputs = plan.take(
      rows, Memory.decodingInputs(max(width, block.feedForwardWidth, block.attention.queryWidth)))
  }
}

/// What decoding needs besides a block: weights, workspace and the rows that are decoded.
package struct DecodingContext: Sendable {
  package let weights: DecodingWeights
  package let workspace: DecodingWorkspace
  package let rows: DecodingRows
  /// What rotary positions turn by.
  let rotation: Slot?

  /// The residual stream of the rows, `[R, C]`.
  package var stream: Slot { workspace.stream.first(rows.ids.count) }

  /// From this many rows on, weights in fp32 are multiplied as in training: then the products cost more than reading
  /// the weights does.
  static let manyRows = 24
}

extension Linear {
  /// y = activation(x W + b), or y += it.
  func decode(
    _ x: Slot, into y: Slot, activation: Activation? = nil, adds: Bool = false, _ context: DecodingContext,
    in memory: Memory
  ) {
    let workspace = context.workspace
    if x.rows < DecodingContext.manyRows || context.weights.matrix(weight) != nil {
      memory.decodingProduct(
        y, x, weight.plain, context.weights,
        then: DecodingEpilogue(bias: bias, activation: activation, adds: adds), inputs: workspace.inputs)
      return
    }
    let target = adds ? workspace.branch.rows(0..<x.rows) : y
    if let activation {
      forward(x, into: target, then: activation, into: target, in: memory)
    } else {
      forward(x, into: target, in: memory)
    }
    if adds { memory.add(y, target) }
  }
}

/// The sources that the rows of a decoding step look at, kept as keys and values of every block.
package struct DecodingSources: Sendable {
  package let cache: KeyValueCache
  /// Which source a row looks at, and how many tokens that has.
  package let sequences: IndexSlot
  package let counts: IndexSlot
}

extension Block {
  /// Block `index` for rows that each are one token of a sequence; x `[R, C]` is changed in place.
  ///
  /// Keys and values of the rows go into `cache`, whose earlier places they look at. A row's bits depend on its own
  /// sequence, and its source, alone.
  package func decode(
    _ index: Int, _ x: Slot, _ cache: KeyValueCache, over sources: DecodingSources? = nil, _ context: DecodingContext,
    in memory: Memory
  ) {
    let count = x.rows, workspace = context.workspace, rows = context.rows
    let heads = workspace.heads.rows(0..<count), shape = attention.shape  // [R, H·D]
    subLayer(x, attentionNorm, context, in: memory) { input in
      let projections = workspace.projections.rows(0..<count)  // [R, (H + 2G)·D]
      attention.queryKeyValue.decode(input, into: projections, context, in: memory)
      attention.preparation?.decode(projections, context, in: memory)
      memory.append(
        projections.columns(shape.keys), projections.columns(shape.values), to: cache.layers[index],
        sequences: rows.sequences, places: rows.places)
      memory.attendCached(
        heads, projections.columns(shape.queries), cache.layers[index], sequences: rows.sequences, counts: rows.counts)
      attention.output.decode(heads, into: x, adds: true, context, in: memory)
    }
    if let sources, let crossAttention, let crossAttentionNorm {
      subLayer(x, crossAttentionNorm, context, in: memory) { input in
        let queries = workspace.projections.shaped(count, shape.queryWidth)  // [R, H·D]
        crossAttention.query.decode(input, into: queries, context, in: memory)
        memory.attendCached(
          heads, queries, sources.cache.layers[index], sequences: sources.sequences, counts: sources.counts)
        crossAttention.output.decode(heads, into: x, adds: true, context, in: memory)
      }
    }
    subLayer(x, feedForwardNorm, context, in: memory) { input in
      feedForward.decode(input, addTo: x, context, in: memory)
    }
  }

  /// x + f(norm(x)) or norm(x + f(x)); `body` adds f of what it is given to x.
  private func subLayer(
    _ x: Slot, _ around: AddAndNorm, _ context: DecodingContext, in memory: Memory, _ body: (Slot) -> Void
  ) {
    let statistics = context.workspace.statistics.rows(0..<x.rows)
    switch around.placement {
    case .pre:
      let normalized = context.workspace.normalized.rows(0..<x.rows)
      around.norm.forward(x, into: normalized, statistics: statistics, in: memory)
      body(normalized)
    case .post:
      body(x)
      around.norm.forward(x, into: x, statistics: statistics, in: memory)
    }
  }
}

extension Column {
  /// The first rows of a step, each one token of a sequence, through all blocks; leaves the residual stream `[R, C]` in the
  /// workspace, before the final norm.
  package func decode(
    _ context: DecodingContext, _ cache: KeyValueCache, over sources: DecodingSources? = nil, positions: PositionTables,
    in memory: Memory
  ) {
    let rows = context.rows, stream = context.stream
    memory.lookUp(
      stream, rows.ids, in: StoredMatrix(embedding.table, of: memory.parameters), scale: embedding.scale,
      positions: embedding.positions(positions.added), at: rows.places)
    for index in blocks.indices { blocks[index].decode(index, stream, cache, over: sources, context, in: memory) }
  }
}
