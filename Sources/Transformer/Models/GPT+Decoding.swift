package import MiniGPTParallel
package import MiniGPTTensors

/// A GPT that decodes: several sequences, each with its keys and values in a cache, some tokens of some of them at a time.
extension GPT {
  /// All memory of decoding.
  package struct DecodingActivations: Sendable {
    /// The most rows of a step.
    package let rowLimit: Int
    package let cache: KeyValueCache
    package let workspace: DecodingWorkspace
    package let rows: DecodingRows
    /// The rows whose logits are asked for, and those logits.
    package let last: Slot
    package let logits: Slot
    /// The sinusoidal table, written by `prepare`.
    let positions: Slot?
    /// Floats and ids taken.
    package let count: Int
    package let indexCount: Int

    /// - Parameters:
    ///   - sequences: texts at once; `rowLimit`, at least as many, are the most rows of a step.
    ///   - logitRows: rows of logits at a time, at least one a sequence.
    package init(_ configuration: GPTConfiguration, sequences: Int, rowLimit: Int, logitRows: Int) {
      let c = configuration
      var planner = SlotPlanner(.activations)
      self.rowLimit = rowLimit
      workspace = DecodingWorkspace(
        rows: rowLimit, width: c.width, feedForwardWidth: c.feedForwardWidth, in: &planner)
      rows = DecodingRows(capacity: rowLimit)
      last = planner.take(logitRows, c.width)
      logits = planner.take(logitRows, c.vocabularySize)
      positions = c.positions.haveFixedTable ? planner.take(c.context, c.width) : nil
      cache = KeyValueCache(
        layers: c.layers, sequences: sequences, heads: c.heads, width: c.width, capacity: c.context, in: &planner)
      count = planner.count
      indexCount = DecodingRows.indexCount(capacity: rowLimit)
    }
  }

  /// Scratch floats of a thread.
  package var decodingScratch: Int { Memory.cachedAttentionScratch(capacity: configuration.context) }

  /// The matrices that products read, as they read them.
  package var decodingMatrices: [Operand] {
    decoder.blocks.flatMap { block in
      [
        block.attention.queryKeyValue, block.attention.output, block.feedForward.up, block.feedForward.down,
      ].map(\.weight.plain)
    } + [outputProjection.table.transposed]
  }

  /// Packs the parameters, in fp32 too: each thread then reads one stream instead of pieces of rows. Those of a mapped
  /// file are let go of, one after the other, once they are packed; with `discarding` also those of an arena, which
  /// nobody else may read then, but for the table that ids are looked up in.
  ///
  /// Where parameters are still being read, `ready` waits for rows of a matrix, or tells to stop, and `done` gets those that
  /// are packed. Any thread of the pool calls them.
  package func decodingWeights(
    _ type: WeightType, of parameters: ParameterStorage, discarding: Bool = false, pool: WorkerPool, kernels: Kernels,
    ready: @escaping @Sendable (Slot) -> Bool = { _ in true }, done: @escaping @Sendable (Slot) -> Void = { _ in }
  ) -> DecodingWeights {
    parameters.useSmallPages()
    let table = embedding.table.offset..<embedding.table.end
    return DecodingWeights(
      decodingMatrices, as: type, pool: pool, kernels: kernels,
      stored: { slot in StoredMatrix(slot, of: parameters) }, ready: ready,
      done: { rows in
        parameters.release(rows, discarding: discarding && !table.contains(rows.offset))
        done(rows)
      })
  }

  /// Writes what is fixed: the sinusoidal table.
  package func prepare(_ activations: DecodingActivations, in memory: Memory) {
    guard let positions = activations.positions else { return }
    let table: PlainMatrix<Float> = PositionalEncoding.table(
      rows: positions.rows, width: positions.columns, scale: PositionalEncoding.gptScale())
    memory.write(positions, table.elements)
  }

  /// The first `count` rows of a step through all blocks: from `activations.rows` to `activations.workspace.stream`.
  package func decode(
    _ count: Int, _ activations: DecodingActivations, _ weights: DecodingWeights, in memory: Memory
  ) {
    let rows = activations.rows.first(count), stream = activations.workspace.stream.rows(0..<count)  // [R, C]
    let context = DecodingContext(weights: weights, workspace: activations.workspace, rows: rows)
    memory.lookUp(
      stream, rows.ids, in: StoredMatrix(embedding.table, of: memory.parameters), scale: embedding.scale,
      positions: embedding.learned ?? activations.positions, at: rows.places)
    for index in decoder.blocks.indices {
      decoder.blocks[index].decode(index, stream, activations.cache, context, in: memory)
    }
  }

  /// The logits of the first `count` rows of `activations.last`, which are rows of the stream.
  package func decodeLogits(
    _ count: Int, _ activations: DecodingActivations, _ weights: DecodingWeights, in memory: Memory
  ) {
    let last = activations.last.rows(0..<count), workspace = activations.workspace
    finalNorm?.forward(last, into: last, statistics: workspace.statistics.rows(0..<count), in: memory)  // [N, C]
    memory.decodingProduct(
      activations.logits.rows(0..<count), last, outputProjection.table.transposed, weights, inputs: workspace.inputs)
  }
}
