package import MiniGPTTensors

/// The paper's model: Vaswani et al. 2017, figure 1. The encoder reads the source once; the decoder says the target, each
/// token from those before it and from the source.
///
/// Source ids `[B·S]` → encoder's output `[B·S, C]`; target ids `[B·T]` and that output → hidden `[B·T, C]` → logits
/// `[·, V - 1]`, all ids but `<pad>`. One table is the embedding of both sides and, transposed, the output projection
/// (§3.4; Press and Wolf 2017).
package struct EncoderDecoder: Sendable {
  package let configuration: TranslatorConfiguration
  package let layout: ParameterLayout
  package let sourceEmbedding: Embedding
  package let targetEmbedding: Embedding
  package let sourceDropout: Dropout
  package let targetDropout: Dropout
  package let encoder: Encoder
  package let decoder: Decoder
  /// Post-norm blocks end with norms of their own.
  package let encoderNorm: LayerNorm?
  package let decoderNorm: LayerNorm?
  package let outputProjection: OutputProjection

  /// `configuration` must be valid.
  package init(_ configuration: TranslatorConfiguration) {
    let c = configuration, shape = c.block, start = Parameter.Start.normal(deviation: 1 / c.embeddingScale)
    var layout = ParameterLayout()
    let table = layout.matrix(
      "tokenEmbedding", c.vocabularySize, c.width, start: .normalButLastRow(deviation: 1 / c.embeddingScale))
    func embedding(_ name: String) -> Embedding {
      Embedding(
        sharing: table, scale: c.embeddingScale, context: c.context, positions: c.positions, name, start: start,
        in: &layout)
    }
    sourceEmbedding = embedding("encoder.positionEmbedding")
    encoder = Encoder("encoder.", layers: c.encoderLayers, shape, firstSite: 2, in: &layout)
    encoderNorm = c.norm == .pre ? LayerNorm("encoder.finalNorm", c.width, in: &layout) : nil
    targetEmbedding = embedding("decoder.positionEmbedding")
    decoder = Decoder(
      "decoder.", layers: c.decoderLayers, shape, crossAttends: true,
      firstSite: 2 + c.encoderLayers * EncoderBlock.sites, in: &layout)
    decoderNorm = c.norm == .pre ? LayerNorm("decoder.finalNorm", c.width, in: &layout) : nil
    sourceDropout = Dropout(site: 0)
    targetDropout = Dropout(site: 1)
    outputProjection = OutputProjection(tiedTo: table.rows(0..<c.outputSize))
    self.configuration = c
    self.layout = layout
  }

  /// The places of one forward pass over a batch of at most some rows, and of the way back where there is one.
  package struct Activations: Sendable {
    /// The sinusoidal table `[context, C]`, written by `prepare`.
    package let positions: Slot?
    package let encoder: Encoder.Saved
    package let encoderStatistics: Slot
    /// The encoder's output, `[B·S, C]`.
    package let source: Slot
    package let sourceGradient: Slot
    package let keyValueGradient: Slot
    package let decoder: Decoder.Saved
    package let decoderStatistics: Slot
    /// What the logits are made of, `[B·T, C]`.
    package let hidden: Slot
    package let gradient: Slot
    package let logits: Slot
    package let losses: Slot

    /// Floats taken.
    package let count: Int

    /// - Parameters:
    ///   - sourceRows: the most rows of sources, B·S, padding counted; `targetRows` likewise.
    ///   - trains: whether places for the way back are there.
    ///   - recomputes: whether the way back computes each block again instead of keeping what it made.
    ///   - logitRows: rows of logits at a time.
    package init(
      _ configuration: TranslatorConfiguration, sourceRows: Int, targetRows: Int, trains: Bool,
      recomputes: Bool = false, logitRows: Int
    ) {
      let c = configuration, isPre = c.norm == .pre
      var planner = SlotPlanner(.activations)
      positions = c.positions.haveFixedTable ? planner.take(c.context, c.width) : nil
      encoder = Encoder.Saved(
        rows: sourceRows, layers: c.encoderLayers, c.block, trains: trains, recomputes: recomputes, in: &planner)
      encoderStatistics = planner.take(sourceRows, 2)
      source = isPre ? planner.take(sourceRows, c.width) : encoder.output
      sourceGradient = trains ? planner.take(sourceRows, c.width) : source
      keyValueGradient = trains ? planner.take(sourceRows, 2 * c.width) : source
      decoder = Decoder.Saved(
        rows: targetRows, sourceRows: sourceRows, layers: c.decoderLayers, c.block, trains: trains,
        recomputes: recomputes, in: &planner)
      decoderStatistics = planner.take(targetRows, 2)
      hidden = isPre ? planner.take(targetRows, c.width) : decoder.output
      gradient = trains ? planner.take(targetRows, c.width) : hidden
      logits = planner.take(min(targetRows, logitRows), c.outputSize)
      losses = planner.take(targetRows, 1)
      count = planner.count
    }

    /// What the decoder's blocks look at.
    package func source(_ texts: Sequences) -> DecoderBlock.Source {
      let rows = 0..<texts.rows
      return DecoderBlock.Source(
        rows: source.rows(rows), texts: texts, gradient: sourceGradient.rows(rows),
        keyValueGradient: keyValueGradient.rows(rows))
    }
  }

  /// Scratch floats of a thread.
  package var scratch: Int {
    ScaledDotProductAttention.scratch(
      width: configuration.width / configuration.heads, keyLength: configuration.context)
  }

  /// Writes what is fixed: the sinusoidal table, not scaled.
  package func prepare(_ activations: Activations, in memory: Memory) {
    guard let positions = activations.positions else { return }
    let table: PlainMatrix<Float> = PositionalEncoding.table(rows: positions.rows, width: positions.columns)
    memory.write(positions, table.elements)
  }

  /// The encoder's output, and the decoder's hidden rows, of one pair.
  package static func reference<Scalar: Real>(
    source: [Int], target: [Int], _ configuration: TranslatorConfiguration, _ parameters: PlainParameters<Scalar>
  ) -> (source: PlainMatrix<Scalar>, hidden: PlainMatrix<Scalar>) {
    let c = configuration, shape = c.block
    func embed(_ ids: [Int], _ side: String) -> PlainMatrix<Scalar> {
      Embedding.reference(
        ids, length: ids.count, scale: Scalar(c.width).squareRoot(), learned: side + "positionEmbedding",
        fixed: c.positions.haveFixedTable ? PositionalEncoding.table(rows: ids.count, width: c.width) : nil, parameters)
    }
    func end(_ x: PlainMatrix<Scalar>, _ side: String) -> PlainMatrix<Scalar> {
      c.norm == .pre ? LayerNorm.reference(x, side + "finalNorm", parameters) : x
    }
    var x = embed(source, "encoder.")
    for index in 0..<c.encoderLayers { x = EncoderBlock.reference(x, "encoder.blocks.\(index)", shape, parameters) }
    x = end(x, "encoder.")
    var y = embed(target, "decoder.")
    for index in 0..<c.decoderLayers {
      y = DecoderBlock.reference(
        y, over: x, "decoder.blocks.\(index)", length: target.count, shape, parameters)
    }
    return (x, end(y, "decoder."))
  }

  /// From the sources' ids to `activations.source`.
  package func encode(
    _ source: PaddedIDs, _ activations: Activations, _ context: DropoutContext?, in memory: Memory
  ) {
    let texts = Sequences(source), rows = 0..<texts.rows, stream = activations.encoder.input.rows(rows)
    sourceEmbedding.forward(
      source.ids, into: stream, fixed: activations.positions, length: texts.length, in: memory)
    sourceDropout.apply(stream, length: texts.length, context, in: memory)
    encoder.forward(texts, context, activations.encoder, in: memory)
    encoderNorm?.forward(
      activations.encoder.output.rows(rows), into: activations.source.rows(rows),
      statistics: activations.encoderStatistics.rows(rows), in: memory)
  }

  /// From the targets' ids, each behind `<pad>`, and `activations.source` to `activations.hidden`.
  package func decode(
    _ target: PaddedIDs, over source: PaddedIDs, _ activations: Activations, _ context: DropoutContext?,
    in memory: Memory
  ) {
    let texts = Sequences(target), rows = 0..<texts.rows, stream = activations.decoder.input.rows(rows)
    targetEmbedding.forward(
      target.ids, into: stream, fixed: activations.positions, length: texts.length, in: memory)
    targetDropout.apply(stream, length: texts.length, context, in: memory)
    decoder.forward(
      texts, source: activations.source(Sequences(source)), context, activations.decoder, in: memory)
    decoderNorm?.forward(
      activations.decoder.output.rows(rows), into: activations.hidden.rows(rows),
      statistics: activations.decoderStatistics.rows(rows), in: memory)
  }

  /// Both.
  package func forward(
    _ source: PaddedIDs, _ target: PaddedIDs, _ activations: Activations, _ context: DropoutContext?, in memory: Memory
  ) {
    encode(source, activations, context, in: memory)
    decode(target, over: source, activations, context, in: memory)
  }

  /// From the gradient of `activations.hidden`, in `activations.gradient`, to those of all parameters.
  package func backward(
    _ source: PaddedIDs, _ target: PaddedIDs, _ activations: Activations, _ context: DropoutContext?, in memory: Memory
  ) {
    let sources = Sequences(source), texts = Sequences(target), looked = activations.source(sources)
    memory.clear(looked.gradient)

    var gradient = before(
      decoderNorm, activations.gradient, activations.hidden, activations.decoder.output, activations.decoderStatistics,
      rows: texts.rows, in: memory)
    decoder.backward(gradient, texts, source: looked, context, activations.decoder, in: memory)
    targetDropout.apply(gradient, length: texts.length, context, in: memory)
    targetEmbedding.backward(gradient, target.ids, length: texts.length, in: memory)

    gradient = before(
      encoderNorm, activations.sourceGradient, activations.source, activations.encoder.output,
      activations.encoderStatistics, rows: sources.rows, in: memory)
    encoder.backward(gradient, sources, context, activations.encoder, in: memory)
    sourceDropout.apply(gradient, length: sources.length, context, in: memory)
    sourceEmbedding.backward(gradient, source.ids, length: sources.length, in: memory)

    let table = sourceEmbedding.table
    memory.fill(table.rows(table.rows - 1..<table.rows).at(.gradients), 0)  // `<pad>` is not trained
  }

  /// The gradient before a final norm. What the norm gave is used up: the gradient takes its place.
  private func before(
    _ norm: LayerNorm?, _ gradient: Slot, _ output: Slot, _ input: Slot, _ statistics: Slot, rows: Int,
    in memory: Memory
  ) -> Slot {
    let rows = 0..<rows
    guard let norm else { return gradient.rows(rows) }
    memory.clear(output.rows(rows))
    norm.backward(
      gradient.rows(rows), input.rows(rows), addTo: output.rows(rows), statistics: statistics.rows(rows), in: memory)
    return output.rows(rows)
  }
}
