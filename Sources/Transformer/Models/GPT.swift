package import MiniGPTTensors

/// The decoder-only model: embedding, blocks, final norm, and logits from the embedding itself. Radford et al. 2019.
///
/// ids `[B·T]` → residual stream `[B·T, C]` → hidden `[B·T, C]` → logits `[·, V]`. A GPT is the paper's decoder without its
/// middle sub-layer.
package struct GPT: TrainableModel {
  package let configuration: GPTConfiguration
  package let layout: ParameterLayout
  package let decoder: Column
  package let outputProjection: OutputProjection

  /// `configuration` must be valid.
  package init(_ configuration: GPTConfiguration) {
    var layout = ParameterLayout()
    let vocabulary = configuration.vocabularySize
    let table = layout.table(
      "tokenEmbedding", vocabulary, configuration.width, outputs: configuration.isTied ? vocabulary : 0,
      start: configuration.embedding.start)
    self.configuration = configuration
    decoder = Column(
      .decoderAlone(layers: configuration.layers), table, configuration.embedding, configuration.blockShape, in: &layout
    )
    outputProjection = OutputProjection(
      configuration.isTied
        ? table
        : layout.table(
          OutputProjection.name, vocabulary, configuration.width, outputs: vocabulary,
          start: configuration.blockShape.outputStart))
    self.layout = layout
  }

  /// The places of one forward pass over texts, and of the backward pass where there is one.
  package struct Activations: Sendable {
    package let decoder: Column.Saved
    package let loss: CrossEntropy.Saved

    /// What the logits are made of.
    package var hidden: Slot { decoder.output }
    package var gradient: Slot { decoder.gradient }
  }

  package func plan(
    _ capacity: TextBatch.Capacity, _ purpose: Purpose, logitRows: Int?, in plan: inout MemoryPlan
  ) -> Activations {
    let rows = capacity.windows * capacity.length
    plan.needScratch(
      ScaledDotProductAttention.scratch(
        width: configuration.attention.headWidth, keyLength: capacity.length))
    let positions = PositionTables(capacity.length, decoder.embedding, configuration.block, in: &plan)
    return Activations(
      decoder: decoder.plan(Block.Rows(rows), purpose, positions: positions, in: &plan),
      loss: CrossEntropy.Saved(rows: rows, outputProjection, sliceRows: logitRows, in: &plan))
  }

  /// Writes what is fixed: tables of positions.
  package func prepare(_ activations: Activations, in memory: Memory) {
    activations.decoder.positions.write(in: memory)
  }

  /// The hidden rows before the output projection, in double or single precision.
  package static func reference<Scalar: Real>(
    _ ids: [Int], length: Int, _ configuration: GPTConfiguration, _ parameters: PlainParameters<Scalar>
  ) -> PlainMatrix<Scalar> {
    Column.reference(
      Embedding.reference(ids, length: length, fixed: configuration.sinusoids(length), parameters), length: length,
      .decoderAlone(layers: configuration.layers), configuration.blockShape, parameters)
  }

  package func forward(_ batch: TextBatch, _ activations: Activations, dropout: DropoutStep?, in memory: Memory) {
    let input = batch.input
    decoder.forward(input.ids, activations.decoder, Pass(input.texts, dropout: dropout, in: memory))
  }

  package func backward(_ batch: TextBatch, _ activations: Activations, dropout: DropoutStep?, in memory: Memory) {
    let input = batch.input
    decoder.backward(input.ids, activations.decoder, Pass(input.texts, dropout: dropout, in: memory))
  }
}

extension GPTConfiguration {
  /// Its embedding: not scaled, N(0, 0.02²).
  var embedding: Embedding.Shape {
    Embedding.Shape(
      scale: 1, context: context, positions: block.positions, positionScale: PositionalEncoding.gptScale(),
      positionName: "positionEmbedding", start: .normal(deviation: 0.02))
  }

  /// The sinusoidal table of a text, where there is one.
  package func sinusoids<Scalar: Real>(_ length: Int) -> PlainMatrix<Scalar>? {
    block.positions.table == .fixed
      ? PositionalEncoding.table(rows: length, width: block.width, scale: PositionalEncoding.gptScale()) : nil
  }
}
