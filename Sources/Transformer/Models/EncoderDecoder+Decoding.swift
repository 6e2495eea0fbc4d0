package import MiniGPTTensors

/// A translator that decodes: the sources are read once, and what the decoder looks at of them waits in a cache; targets
/// grow token by token, several hypotheses of several sentences a step.
extension EncoderDecoder {
  /// All memory of decoding.
  package struct DecodingActivations: Sendable {
    package let sources: TokenIDs.Places
    package let rows: DecodingRows
    /// `[R, V - 1]`, and the logarithm of the sum of each row's exponentials.
    package let logits: Slot
    package let logSums: Slot
    /// The embedding, `[C, V - 1]`, laid out once for the products of all steps: every logit is one sum in the order of C.
    let outputTable: Panels
    /// Keys and values of hypotheses, one sequence each.
    package let cache: KeyValueCache
    let encoding: Activations
    let workspace: DecodingWorkspace
    let keyValues: Slot
    let sourceCache: KeyValueCache
    /// Tokens of each source.
    let sourceCounts: IndexSlot
    /// Which source a row looks at and how long that is.
    let crossRows: (sequences: IndexSlot, counts: IndexSlot)
    /// Rows of a source and their places, to fill the cache.
    let prefillRows: (sequences: IndexSlot, places: IndexSlot)

    /// Says what row `row` of the next step is: a token of hypothesis `sequence` at a place, over a source.
    package func set(_ row: Int, id: Int32, sequence: Int, place: Int, source: Int, in memory: Memory) {
      rows.set(row, id: id, sequence: sequence, place: place, in: memory)
      memory.setIndex(crossRows.sequences, row, Int32(source))
      memory.setIndex(crossRows.counts, row, memory.index(sourceCounts, source))
    }
  }

  /// How much decoding may hold.
  package struct DecodingCapacity: Sendable {
    /// The most sources of a batch, the most rows of sources, padding counted, and the most hypotheses of all.
    package var sentences: Int
    package var sourceRows: Int
    package var hypotheses: Int
    /// The most tokens of a source or a target, at most the context.
    package var places: Int

    package init(sentences: Int, sourceRows: Int, hypotheses: Int, places: Int) {
      self.sentences = sentences
      self.sourceRows = sourceRows
      self.hypotheses = hypotheses
      self.places = places
    }
  }

  /// Plans decoding.
  package func planDecoding(_ capacity: DecodingCapacity, in plan: inout MemoryPlan) -> DecodingActivations {
    let c = configuration, hypotheses = capacity.hypotheses, places = capacity.places
    plan.needScratch(Memory.cachedAttentionScratch(capacity: c.context))
    func cache(_ sequences: Int, in plan: inout MemoryPlan) -> KeyValueCache {
      KeyValueCache(layers: c.decoderLayers, sequences: sequences, c.blockShape, capacity: places, in: &plan)
    }
    return DecodingActivations(
      sources: TokenIDs.Places(texts: capacity.sentences, rows: capacity.sourceRows, in: &plan),
      rows: DecodingRows(capacity: hypotheses, in: &plan), logits: plan.take(hypotheses, c.outputSize),
      logSums: plan.take(hypotheses, 1), outputTable: Panels(inputs: c.width, outputs: c.outputSize, in: &plan),
      cache: cache(hypotheses, in: &plan),
      encoding: self.plan(
        SentenceBatch.Capacity(pairs: capacity.sentences, sourceRows: capacity.sourceRows, targetRows: 1), .inference,
        logitRows: 1, in: &plan),
      workspace: DecodingWorkspace(
        rows: hypotheses, c.block, in: &plan),
      keyValues: plan.take(capacity.sourceRows, 2 * c.attention.keyWidth),
      sourceCache: cache(capacity.sentences, in: &plan),
      sourceCounts: plan.takeIndices(capacity.sentences),
      crossRows: (plan.takeIndices(hypotheses), plan.takeIndices(hypotheses)),
      prefillRows: (plan.takeIndices(places), plan.takeIndices(places)))
  }

  /// Writes what is fixed: tables of positions, and the embedding as logits want it.
  package func prepare(_ activations: DecodingActivations, in memory: Memory) {
    prepare(activations.encoding, in: memory)
    memory.packPanels(outputProjection.table, into: activations.outputTable)
  }

  /// Reads a batch of sources, with their `</s>`, and keeps what every block of the decoder looks at.
  package func encode(_ texts: [[Int32]], _ activations: DecodingActivations, in memory: Memory) {
    let length = texts.reduce(1) { max($0, $1.count) }, width = configuration.attention.keyWidth
    let batch = activations.sources.batch(texts.count, length: length)
    for (index, text) in texts.enumerated() {
      batch.set(index, text, padding: configuration.padding, in: memory)
      memory.setIndex(activations.sourceCounts, index, Int32(text.count))
    }
    // Weights that are being trained have changed.
    if memory.parameters.isWritable { memory.packPanels(outputProjection.table, into: activations.outputTable) }
    encode(batch, activations.encoding, in: memory)
    let source = activations.encoding.encoder.output.first(batch.texts.rows)  // [B·S, C]
    let keyValues = activations.keyValues.first(batch.texts.rows)  // [B·S, 2G·D]
    for (layer, block) in decoder.blocks.enumerated() {
      guard let attention = block.crossAttention else { continue }
      attention.keyValue.forward(source, into: keyValues, in: memory)
      for (index, text) in texts.enumerated() {
        let own = keyValues.rows(index * length..<index * length + text.count)
        let places = 0..<text.count
        for place in places {
          memory.setIndex(activations.prefillRows.sequences, place, Int32(index))
          memory.setIndex(activations.prefillRows.places, place, Int32(place))
        }
        memory.append(
          own.columns(0..<width), own.columns(width..<2 * width), to: activations.sourceCache.layers[layer],
          sequences: activations.prefillRows.sequences.range(places),
          places: activations.prefillRows.places.range(places))
      }
    }
  }

  /// The first `count` rows of a step through all blocks, to `activations.logits` and `activations.logSums`.
  package func decode(
    _ count: Int, _ activations: DecodingActivations, _ weights: DecodingWeights, in memory: Memory
  ) {
    let context = DecodingContext(
      weights: weights, workspace: activations.workspace, rows: activations.rows.first(count),
      rotation: activations.encoding.decoder.positions.rotation)
    let sources = DecodingSources(
      cache: activations.sourceCache, sequences: activations.crossRows.sequences.range(0..<count),
      counts: activations.crossRows.counts.range(0..<count))
    decoder.decode(
      context, activations.cache, over: sources, positions: activations.encoding.decoder.positions, in: memory)
    let stream = context.stream  // [R, C]
    decoder.finalNorm?.forward(
      stream, into: stream, statistics: activations.workspace.statistics.first(count), in: memory)
    let logits = activations.logits.first(count)  // [R, V - 1]
    memory.product(logits, stream, activations.outputTable)
    memory.logSums(activations.logSums.first(count), logits)
  }

  /// Gives a hypothesis the first `count` places of another.
  package func copyHypothesis(
    from source: Int, to target: Int, count: Int, _ activations: DecodingActivations, in memory: Memory
  ) {
    activations.cache.copy(from: source, to: target, count: count, in: memory)
  }
}
