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
    /// Written by `prepare`.
    let positions: PositionTables
  }

  /// Plans decoding.
  ///
  /// - Parameters:
  ///   - sequences: texts at once; `rowLimit`, at least as many, are the most rows of a step.
  ///   - logitRows: rows of logits at a time, at least one a sequence.
  package func planDecoding(
    sequences: Int, rowLimit: Int, logitRows: Int, in plan: inout MemoryPlan
  ) -> DecodingActivations {
    let c = configuration
    plan.needScratch(Memory.cachedAttentionScratch(capacity: c.context))
    return DecodingActivations(
      rowLimit: rowLimit,
      cache: KeyValueCache(layers: c.layers, sequences: sequences, c.blockShape, capacity: c.context, in: &plan),
      workspace: DecodingWorkspace(
        rows: rowLimit, c.block, in: &plan),
      rows: DecodingRows(capacity: rowLimit, in: &plan), last: plan.take(logitRows, c.width),
      logits: plan.take(logitRows, c.vocabularySize),
      positions: PositionTables(c.context, decoder.embedding, c.block, in: &plan))
  }

  /// Packs the parameters, in fp32 too: each thread then reads one stream instead of pieces of rows. Those of a mapped
  /// file are let go of, one after the other, once they are packed; with `discarding` also those of an arena, which
  /// nobody else may read then, but for the table that ids are looked up in.
  ///
  /// Where parameters are still being read, `ready` waits for rows of a matrix, or tells to stop, and `done` gets those that
  /// are packed. Any thread of the pool calls them.
  package func decodingWeights(
    _ type: NumberFormat, of parameters: ParameterStorage, discarding: Bool = false, on processor: Processor,
    ready: @escaping @Sendable (Slot) -> Bool = { _ in true }, done: @escaping @Sendable (Slot) -> Void = { _ in }
  ) -> DecodingWeights {
    parameters.useSmallPages()
    let table = decoder.embedding.table.offset..<decoder.embedding.table.end
    return DecodingWeights(
      layout.factors, as: type, logits: outputProjection.table, on: processor,
      stored: { slot in StoredMatrix(slot, of: parameters) }, ready: ready,
      done: { rows in
        parameters.release(rows, discarding: discarding && !table.contains(rows.offset))
        done(rows)
      })
  }

  /// Writes what is fixed: tables of positions.
  package func prepare(_ activations: DecodingActivations, in memory: Memory) {
    activations.positions.write(in: memory)
  }

  /// The first `count` rows of a step through all blocks: from `activations.rows` to `activations.workspace.stream`.
  package func decode(
    _ count: Int, _ activations: DecodingActivations, _ weights: DecodingWeights, in memory: Memory
  ) {
    decoder.decode(
      DecodingContext(
        weights: weights, workspace: activations.workspace, rows: activations.rows.first(count),
        rotation: activations.positions.rotation),
      activations.cache, positions: activations.positions, in: memory)
  }

  /// The logits of the first `count` rows of `activations.last`, which are rows of the stream.
  package func decodeLogits(
    _ count: Int, _ activations: DecodingActivations, _ weights: DecodingWeights, in memory: Memory
  ) {
    let last = activations.last.first(count), workspace = activations.workspace
    decoder.finalNorm?.forward(last, into: last, statistics: workspace.statistics.first(count), in: memory)  // [N, C]
    memory.decodingProduct(
      activations.logits.first(count), last, outputProjection.table.transposed, weights, inputs: workspace.inputs)
  }
}
