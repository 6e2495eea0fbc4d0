package import MiniGPTStorage
public import MiniGPTTensors

/// The shape of a translator, the paper's encoder and decoder: Vaswani et al. 2017, §3.
///
/// Its vocabulary serves both languages: 0 is `</s>`, 1 `<unk>`, the last id `<pad>`, which begins every target.
public struct TranslatorConfiguration: BlockStack, Equatable, Sendable {
  /// V, special tokens included.
  public var vocabularySize: Int
  /// The most tokens of a source, and of a target, `</s>` included.
  public var context: Int
  /// Blocks of the encoder.
  public var encoderLayers: Int
  /// Blocks of the decoder.
  public var decoderLayers: Int
  /// What the blocks are like.
  public var block: BlockConfiguration

  /// A shape; the paper's way where nothing else is said. Nothing is checked before `validate`.
  public init(
    vocabularySize: Int, context: Int, encoderLayers: Int, decoderLayers: Int, heads: Int, width: Int,
    feedForwardWidth: Int? = nil, positions: Positions = .sinusoidal, norm: NormPlacement = .post,
    activation: Activation = .relu
  ) {
    self.init(
      vocabularySize: vocabularySize, context: context, encoderLayers: encoderLayers, decoderLayers: decoderLayers,
      block: BlockConfiguration(
        heads: heads, width: width, feedForwardWidth: feedForwardWidth, positions: positions, norm: norm,
        activation: activation))
  }

  /// A shape of such blocks.
  public init(vocabularySize: Int, context: Int, encoderLayers: Int, decoderLayers: Int, block: BlockConfiguration) {
    self.vocabularySize = vocabularySize
    self.context = context
    self.encoderLayers = encoderLayers
    self.decoderLayers = decoderLayers
    self.block = block
  }

  /// `</s>`, which ends every text.
  package static let endOfSentence: Int32 = 0
  /// `<pad>`, the last id. Its embedding is zero and stays so, and it is never said.
  package var padding: Int32 { Int32(vocabularySize - 1) }
  /// Ids that can be said: all but `<pad>`.
  package var outputSize: Int { vocabularySize - 1 }

  /// Its blocks, whose matrices start as Glorot and Bengio 2010 have them; dropout falls on what sub-layers add (§5.4).
  package var blockShape: BlockShape {
    BlockShape(
      block: block, context: context, start: .xavierUniform,
      residualStart: block.startsAtZero ? .zeros : .xavierUniform, dropsAttentionWeights: false)
  }

  /// √C, which embeddings are multiplied by: §3.4.
  package var embeddingScale: Float { Float(block.width).squareRoot() }

  /// Checks every size before anything is built by it.
  public func validate() throws(ModelShapeError) { try validateShape() }

  /// How many numbers are there. The sizes must lie in the ranges of `validate`.
  public var parameterCount: Int {
    let one = parameterCount(1, 1)
    return one + (encoderLayers - 1) * (parameterCount(2, 1) - one) + (decoderLayers - 1) * (parameterCount(1, 2) - one)
  }

  private func parameterCount(_ encoderLayers: Int, _ decoderLayers: Int) -> Int {
    var other = self
    (other.encoderLayers, other.decoderLayers) = (encoderLayers, decoderLayers)
    return EncoderDecoder(other).layout.count
  }
}

extension TranslatorConfiguration: ModelConfiguration {
  package static let kind = "translator"

  package init() {
    self.init(vocabularySize: 0, context: 0, encoderLayers: 0, decoderLayers: 0, heads: 0, width: 0)
  }

  package static let fields: [Field<Self>] =
    [
      Field(
        "vocab-size", at: \.vocabularySize, in: .integers(4...1 << 24), label: "vocabulary", unit: "tokens",
        noun: "vocabulary"),
      Field("context", at: \.context, in: .integers(1...1_048_576), unit: "tokens"),
      Field("encoder-layers", at: \.encoderLayers, in: .integers(1...1024), label: "encoder", unit: "layers"),
      Field("decoder-layers", at: \.decoderLayers, in: .integers(1...1024), label: "decoder", unit: "layers"),
    ] + BlockConfiguration.fields.map { $0.within(\.block) }
}
