package import MiniGPTTensors

/// The paper's model: Vaswani et al. 2017, figure 1. The encoder reads the source once; the decoder generates the target,
/// each token from those before it and from the source.
///
/// Source ids `[B·S]` → encoder's output `[B·S, C]`; target ids `[B·T]` and that output → hidden `[B·T, C]` → logits
/// `[·, V - 1]`, all ids but `<pad>`. One table is the embedding of both sides and, transposed, the output projection
/// (§3.4; Press and Wolf 2017).
package struct EncoderDecoder: TrainableModel {
  package let configuration: TranslatorConfiguration
  package let layout: ParameterLayout
  package let encoder: Column
  package let decoder: Column
  package let outputProjection: OutputProjection

  /// `configuration` must be valid.
  package init(_ configuration: TranslatorConfiguration) {
    let c = configuration
    var layout = ParameterLayout()
    let table = layout.table(
      "tokenEmbedding", c.vocabularySize, c.width, outputs: c.outputSize,
      start: .normalButLastRow(deviation: 1 / c.embeddingScale))
    encoder = Column(c.encoder, table, c.embedding("encoder."), c.blockShape, in: &layout)
    decoder = Column(c.decoder, table, c.embedding("decoder."), c.blockShape, in: &layout)
    outputProjection = OutputProjection(table.first(c.outputSize))
    self.configuration = c
    self.layout = layout
  }

  /// The places of one forward pass over a batch of at most some rows, and of the backward pass where there is one.
  package struct Activations: Sendable {
    package let encoder: Column.Saved
    package let decoder: Column.Saved
    package let loss: CrossEntropy.Saved

    /// What the logits are made of, `[B·T, C]`.
    package var hidden: Slot { decoder.output }
    package var gradient: Slot { decoder.gradient }
  }

  package func plan(
    _ capacity: SentenceBatch.Capacity, _ purpose: Purpose, logitRows: Int?, in plan: inout MemoryPlan
  ) -> Activations {
    plan.needScratch(
      ScaledDotProductAttention.scratch(
        width: configuration.attention.headWidth, keyLength: configuration.context))
    // Both columns see the same tables.
    let positions = PositionTables(configuration.context, encoder.embedding, configuration.block, in: &plan)
    return Activations(
      encoder: encoder.plan(Block.Rows(capacity.sourceRows), purpose, positions: positions, in: &plan),
      decoder: decoder.plan(
        Block.Rows(capacity.targetRows, source: capacity.sourceRows), purpose, positions: positions, in: &plan),
      loss: CrossEntropy.Saved(
        rows: capacity.targetRows, outputProjection, sliceRows: logitRows,
        together: 2 * configuration.context, in: &plan))
  }

  /// Writes what is fixed: tables of positions, sines not scaled.
  package func prepare(_ activations: Activations, in memory: Memory) {
    activations.encoder.positions.write(in: memory)
  }

  /// The encoder's output, and the decoder's hidden rows, of one pair.
  package static func reference<Scalar: Real>(
    source: [Int], target: [Int], _ configuration: TranslatorConfiguration, _ parameters: PlainParameters<Scalar>
  ) -> (source: PlainMatrix<Scalar>, hidden: PlainMatrix<Scalar>) {
    let c = configuration
    func embed(_ ids: [Int], _ side: String) -> PlainMatrix<Scalar> {
      Embedding.reference(
        ids, length: ids.count, scale: Scalar(c.width).squareRoot(), learned: side + "positionEmbedding",
        fixed: c.positions.table == .fixed ? PositionalEncoding.table(rows: ids.count, width: c.width) : nil, parameters
      )
    }
    let x = Column.reference(
      embed(source, "encoder."), length: source.count, c.encoder, c.blockShape, parameters)
    let hidden = Column.reference(
      embed(target, "decoder."), over: x, length: target.count, c.decoder, c.blockShape, parameters)
    return (x, hidden)
  }

  /// From the sources' ids to the encoder's output.
  package func encode(
    _ source: TokenIDs, _ activations: Activations, dropout: DropoutStep? = nil, in memory: Memory
  ) {
    encoder.forward(source.ids, activations.encoder, Pass(source.texts, dropout: dropout, in: memory))
  }

  package func forward(
    _ batch: SentenceBatch, _ activations: Activations, dropout: DropoutStep?, in memory: Memory
  ) {
    encode(batch.source, activations, dropout: dropout, in: memory)
    decoder.forward(
      batch.input.ids, over: activations.encoder.source(batch.source.texts), activations.decoder,
      Pass(batch.input.texts, dropout: dropout, in: memory))
  }

  package func backward(
    _ batch: SentenceBatch, _ activations: Activations, dropout: DropoutStep?, in memory: Memory
  ) {
    let source = batch.source, attended = activations.encoder.source(source.texts), table = encoder.embedding.table
    memory.clear(attended.gradient)
    decoder.backward(
      batch.input.ids, over: attended, activations.decoder, Pass(batch.input.texts, dropout: dropout, in: memory))
    encoder.backward(source.ids, activations.encoder, Pass(source.texts, dropout: dropout, in: memory))
    memory.fill(table.rows(table.rows - 1..<table.rows).at(.gradients), 0)  // `<pad>` is not trained
  }
}

extension TranslatorConfiguration {
  /// The columns; dropout's first two sites are those of the embedded tokens.
  var encoder: Column.Description { .encoder(layers: encoderLayers, embeddingSite: 0, firstBlockSite: 2) }
  var decoder: Column.Description {
    .decoder(layers: decoderLayers, embeddingSite: 1, firstBlockSite: encoder.endSite)
  }

  /// Times √C: §3.4.
  func embedding(_ side: String) -> Embedding.Shape {
    Embedding.Shape(
      scale: embeddingScale, context: context, positions: block.positions, positionScale: 1,
      positionName: side + "positionEmbedding", start: .normal(deviation: 1 / embeddingScale))
  }
}
