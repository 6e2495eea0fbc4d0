package import MiniGPTTensors

/// The decoder-only model: embedding, blocks, final norm, and logits from the embedding itself. Radford et al. 2019.
///
/// ids `[B·T]` → stream `[B·T, C]` → hidden `[B·T, C]` → logits `[·, V]`. A GPT is the paper's decoder without its
/// middle sub-layer.
package struct GPT: Sendable {
  package let configuration: GPTConfiguration
  package let layout: ParameterLayout
  package let embedding: Embedding
  package let embeddingDropout: Dropout
  package let decoder: Decoder
  /// Post-norm blocks end with a norm of their own.
  package let finalNorm: LayerNorm?
  package let outputProjection: OutputProjection

  /// `configuration` must be valid.
  package init(_ configuration: GPTConfiguration) {
    var layout = ParameterLayout()
    self.configuration = configuration
    embedding = Embedding(
      vocabulary: configuration.vocabularySize, context: configuration.context, width: configuration.width,
      positions: configuration.positions, in: &layout)
    embeddingDropout = Dropout(site: 0)
    decoder = Decoder(layers: configuration.layers, configuration.block, firstSite: 1, in: &layout)
    finalNorm = configuration.norm == .pre ? LayerNorm("finalNorm", configuration.width, in: &layout) : nil
    outputProjection = OutputProjection(tiedTo: embedding.table)
    self.layout = layout
  }

  /// The places of one forward pass, and of the way back where there is one.
  package struct Activations: Sendable {
    package let batch: Int
    package let length: Int
    package let ids: IndexSlot
    package let targets: IndexSlot
    /// The sinusoidal table, written by `prepare`.
    package let positions: Slot?
    package let decoder: Decoder.Saved
    package let finalStatistics: Slot
    /// What the logits are made of.
    package let hidden: Slot
    package let gradient: Slot
    package let logits: Slot
    package let losses: Slot

    /// Floats and ids taken.
    package let count: Int
    package let indexCount: Int

    /// - Parameters:
    ///   - trains: whether places for the way back are there.
    ///   - recomputes: whether the way back computes each block again instead of keeping what it made.
    ///   - logitRows: rows of logits at a time.
    ///   - longer: activations for longer texts in the same memory, whose sinusoidal table serves these as well.
    package init(
      _ configuration: GPTConfiguration, batch: Int, length: Int, trains: Bool, recomputes: Bool = false,
      logitRows: Int, sharingTableOf longer: Activations? = nil
    ) {
      let rows = batch * length, width = configuration.width
      let table = longer?.positions?.rows(0..<length)
      var planner = SlotPlanner(.activations)
      if let longer = longer?.positions { _ = planner.take(longer.rows, longer.columns) }
      self.batch = batch
      self.length = length
      ids = IndexSlot(offset: 0, count: rows)
      targets = IndexSlot(offset: rows, count: rows)
      indexCount = 2 * rows
      positions = table ?? (configuration.positions.haveFixedTable ? planner.take(length, width) : nil)
      decoder = Decoder.Saved(
        rows: rows, layers: configuration.layers, configuration.block, trains: trains, recomputes: recomputes,
        in: &planner)
      finalStatistics = planner.take(rows, 2)
      hidden = configuration.norm == .pre ? planner.take(rows, width) : decoder.output
      gradient = trains ? planner.take(rows, width) : hidden
      logits = planner.take(min(rows, logitRows), configuration.vocabularySize)
      losses = planner.take(rows, 1)
      count = planner.count
    }

    package var texts: Sequences { Sequences(count: batch, length: length) }
  }

  /// Scratch floats of a thread, for texts of `length`.
  package func scratch(length: Int) -> Int {
    ScaledDotProductAttention.scratch(width: configuration.width / configuration.heads, keyLength: length)
  }

  /// Writes what is fixed: the sinusoidal table.
  package func prepare(_ activations: Activations, in memory: Memory) {
    guard let positions = activations.positions else { return }
    let table: PlainMatrix<Float>? = configuration.sinusoids(positions.rows)
    memory.write(positions, table?.elements ?? [])
  }

  /// The hidden rows before the output projection, in double or single precision.
  package static func reference<Scalar: Real>(
    _ ids: [Int], length: Int, _ configuration: GPTConfiguration, _ parameters: PlainParameters<Scalar>
  ) -> PlainMatrix<Scalar> {
    var x = Embedding.reference(ids, length: length, fixed: configuration.sinusoids(length), parameters)
    for index in 0..<configuration.layers {
      x = DecoderBlock.reference(x, "blocks.\(index)", length: length, configuration.block, parameters)
    }
    return configuration.norm == .pre ? LayerNorm.reference(x, "finalNorm", parameters) : x
  }

  /// From the ids to `activations.hidden`.
  package func forward(_ activations: Activations, _ context: DropoutContext?, in memory: Memory) {
    let length = activations.length, stream = activations.decoder.input
    embedding.forward(activations.ids, into: stream, fixed: activations.positions, length: length, in: memory)
    embeddingDropout.apply(stream, length: length, context, in: memory)
    decoder.forward(activations.texts, context, activations.decoder, in: memory)
    finalNorm?.forward(
      activations.decoder.output, into: activations.hidden, statistics: activations.finalStatistics, in: memory)
  }

  /// From the gradient of `activations.hidden`, in `activations.gradient`, to those of all parameters.
  package func backward(_ activations: Activations, _ context: DropoutContext?, in memory: Memory) {
    let length = activations.length
    var gradient = activations.gradient
    if let finalNorm {
      // The hidden rows are used up: the gradient behind the norm takes their place.
      memory.clear(activations.hidden)
      finalNorm.backward(
        gradient, activations.decoder.output, addTo: activations.hidden, statistics: activations.finalStatistics,
        in: memory)
      gradient = activations.hidden
    }
    decoder.backward(gradient, activations.texts, context, activations.decoder, in: memory)
    embeddingDropout.apply(gradient, length: length, context, in: memory)
    embedding.backward(gradient, activations.ids, length: length, in: memory)
  }
}

extension GPTConfiguration {
  /// The sinusoidal table of a text, where there is one.
  package func sinusoids<Scalar: Real>(_ length: Int) -> PlainMatrix<Scalar>? {
    positions.haveFixedTable
      ? PositionalEncoding.table(rows: length, width: width, scale: PositionalEncoding.gptScale()) : nil
  }
}
