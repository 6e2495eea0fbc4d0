package import MiniGPTTensors

/// A translator that decodes: the sources are read once, and what the decoder looks at of them waits in a cache; targets
/// grow token by token, several hypotheses of several sentences a step.
extension EncoderDecoder {
  /// All memory of decoding.
  package struct DecodingActivations: Sendable {
    /// The most sources of a batch, the most rows of sources, padding counted, and the most hypotheses of all.
    package let sentences: Int
    package let sourceRows: Int
    package let hypotheses: Int
    package let sources: PaddedPlaces
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
    /// Which source a row looks at and how long that is; rows of a source and their places, to fill the cache.
    let looks: (sequences: IndexSlot, counts: IndexSlot)
    let fill: (sequences: IndexSlot, places: IndexSlot)
    /// Floats and ids taken.
    package let count: Int
    package let indexCount: Int

    /// `places`, at most the context, is the most tokens of a source or a target.
    package init(
      _ configuration: TranslatorConfiguration, sentences: Int, sourceRows: Int, hypotheses: Int, places: Int
    ) {
      let c = configuration
      encoding = Activations(c, sourceRows: sourceRows, targetRows: 1, trains: false, logitRows: 1)
      var planner = SlotPlanner(.activations, from: (encoding.count + 15) / 16 * 16)
      self.sentences = sentences
      self.sourceRows = sourceRows
      self.hypotheses = hypotheses
      workspace = DecodingWorkspace(
        rows: hypotheses, width: c.width, feedForwardWidth: c.feedForwardWidth, in: &planner)
      logits = planner.take(hypotheses, c.outputSize)
      logSums = planner.take(hypotheses, 1)
      outputTable = Panels(inputs: c.width, outputs: c.outputSize, in: &planner)
      keyValues = planner.take(sourceRows, 2 * c.width)
      func cache(_ sequences: Int, in planner: inout SlotPlanner) -> KeyValueCache {
        KeyValueCache(
          layers: c.decoderLayers, sequences: sequences, heads: c.heads, width: c.width, capacity: places,
          in: &planner)
      }
      sourceCache = cache(sentences, in: &planner)
      self.cache = cache(hypotheses, in: &planner)
      count = planner.count
      sources = PaddedPlaces(texts: sentences, rows: sourceRows)
      rows = DecodingRows(capacity: hypotheses, from: sources.end)
      var next = sources.end + DecodingRows.indexCount(capacity: hypotheses)
      func take(_ count: Int) -> IndexSlot {
        defer { next += count }
        return IndexSlot(offset: next, count: count)
      }
      looks = (take(hypotheses), take(hypotheses))
      fill = (take(places), take(places))
      indexCount = next
    }
  }

  /// Scratch floats of a thread.
  package var decodingScratch: Int {
    max(scratch, Memory.cachedAttentionScratch(capacity: configuration.context))
  }

  /// Writes what is fixed: the sinusoidal table, and the embedding as logits want it.
  package func prepare(_ activations: DecodingActivations, in memory: Memory) {
    prepare(activations.encoding, in: memory)
    memory.packPanels(outputProjection.table, into: activations.outputTable)
  }

  /// Reads a batch of sources, with their `</s>`, and keeps what every block of the decoder looks at.
  package func encode(_ texts: [[Int32]], _ activations: DecodingActivations, in memory: Memory) {
    let length = texts.reduce(1) { max($0, $1.count) }, width = configuration.width
    let batch = activations.sources.batch(texts.count, length: length)
    for (index, text) in texts.enumerated() {
      memory.setIndex(batch.lengths, index, Int32(text.count))
      for place in 0..<length {
        memory.setIndex(batch.ids, index * length + place, place < text.count ? text[place] : configuration.padding)
      }
    }
    // Weights that are being trained have changed.
    if memory.parameters.isWritable { memory.packPanels(outputProjection.table, into: activations.outputTable) }
    encode(batch, activations.encoding, nil, in: memory)
    let rows = 0..<texts.count * length, source = activations.encoding.source.rows(rows)  // [B·S, C]
    let keyValues = activations.keyValues.rows(rows)  // [B·S, 2C]
    for (layer, block) in decoder.blocks.enumerated() {
      guard let attention = block.crossAttention else { continue }
      attention.keyValue.forward(source, into: keyValues, in: memory)
      for (index, text) in texts.enumerated() {
        let own = keyValues.rows(index * length..<index * length + text.count)
        let places = 0..<text.count
        for place in places {
          memory.setIndex(activations.fill.sequences, place, Int32(index))
          memory.setIndex(activations.fill.places, place, Int32(place))
        }
        memory.append(
          own.columns(0..<width), own.columns(width..<2 * width), to: activations.sourceCache.layers[layer],
          sequences: activations.fill.sequences.range(places), places: activations.fill.places.range(places))
      }
    }
  }

  /// Says what row `row` of the next step is: a token of hypothesis `sequence` at a place, over a source.
  package func set(
    _ row: Int, id: Int32, sequence: Int, place: Int, source: Int, _ activations: DecodingActivations,
    in memory: Memory
  ) {
    activations.rows.set(row, id: id, sequence: sequence, place: place, in: memory)
    memory.setIndex(activations.looks.sequences, row, Int32(source))
    memory.setIndex(activations.looks.counts, row, memory.index(activations.sources.lengths, source))
  }

  /// The first `count` rows of a step through all blocks, to `activations.logits` and `activations.logSums`.
  package func decode(
    _ count: Int, _ activations: DecodingActivations, _ weights: DecodingWeights, in memory: Memory
  ) {
    let rows = activations.rows.first(count), workspace = activations.workspace
    let stream = workspace.stream.rows(0..<count)  // [R, C]
    let context = DecodingContext(weights: weights, workspace: workspace, rows: rows)
    let sources = DecodingSources(
      cache: activations.sourceCache, sequences: activations.looks.sequences.range(0..<count),
      counts: activations.looks.counts.range(0..<count))
    memory.lookUp(
      stream, rows.ids, in: StoredMatrix(targetEmbedding.table, of: memory.parameters), scale: targetEmbedding.scale,
      positions: targetEmbedding.learned ?? activations.encoding.positions, at: rows.places)
    for index in decoder.blocks.indices {
      decoder.blocks[index].decode(index, stream, activations.cache, over: sources, context, in: memory)
    }
    decoderNorm?.forward(stream, into: stream, statistics: workspace.statistics.rows(0..<count), in: memory)
    let logits = activations.logits.rows(0..<count)  // [R, V - 1]
    memory.product(logits, stream, activations.outputTable)
    memory.logSums(activations.logSums.rows(0..<count), logits)
  }

  /// Gives a hypothesis the first `count` places of another.
  package func copyHypothesis(
    from source: Int, to target: Int, count: Int, _ activations: DecodingActivations, in memory: Memory
  ) {
    activations.cache.copy(from: source, to: target, count: count, in: memory)
  }
}
