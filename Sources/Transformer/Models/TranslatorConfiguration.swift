public import MiniGPTTensors

/// The shape of a translator, the paper's encoder and decoder: Vaswani et al. 2017, §3.
///
/// Its vocabulary serves both languages: 0 is `</s>`, 1 `<unk>`, the last id `<pad>`, which begins every target.
public struct TranslatorConfiguration: Equatable, Sendable {
  /// V, special tokens included.
  public var vocabularySize: Int
  /// The most tokens of a source, and of a target, `</s>` included.
  public var context: Int
  /// Blocks of the encoder.
  public var encoderLayers: Int
  /// Blocks of the decoder.
  public var decoderLayers: Int
  /// H, which must divide the width.
  public var heads: Int
  /// C.
  public var width: Int
  /// F.
  public var feedForwardWidth: Int
  /// How the model knows where a token stands.
  public var positions: Positions
  /// Where the layer norms stand.
  public var norm: NormPlacement
  /// What stands between the two matrices of the feed-forward network.
  public var activation: Activation

  /// A shape; the paper's way where nothing else is said. Nothing is checked before `validate`.
  public init(
    vocabularySize: Int, context: Int, encoderLayers: Int, decoderLayers: Int, heads: Int, width: Int,
    feedForwardWidth: Int? = nil, positions: Positions = .sinusoidal, norm: NormPlacement = .post,
    activation: Activation = .relu
  ) {
    self.vocabularySize = vocabularySize
    self.context = context
    self.encoderLayers = encoderLayers
    self.decoderLayers = decoderLayers
    self.heads = heads
    self.width = width
    self.feedForwardWidth = feedForwardWidth ?? 4 * max(0, min(width, 1 << 40))
    self.positions = positions
    self.norm = norm
    self.activation = activation
  }

  /// `</s>`, which ends every text.
  package static let endOfSentence: Int32 = 0
  /// `<pad>`, the last id. Its embedding is zero and stays so, and it is never said.
  package var padding: Int32 { Int32(vocabularySize - 1) }
  /// Ids that can be said: all but `<pad>`.
  package var outputSize: Int { vocabularySize - 1 }

  /// Its blocks, whose matrices start as Glorot and Bengio 2010 have them; dropout falls on what sub-layers add (§5.4).
  package var block: BlockShape {
    BlockShape(
      width: width, heads: heads, feedForwardWidth: feedForwardWidth, context: context, norm: norm,
      activation: activation, start: .xavierUniform, residualStart: .xavierUniform, dropsAttentionWeights: false)
  }

  /// √C, which embeddings are multiplied by: §3.4.
  package var embeddingScale: Float { Float(width).squareRoot() }

  /// Checks every size before anything is built by it.
  public func validate() throws(ModelShapeError) {
    try ModelShapeError.check([
      ("vocabulary", vocabularySize, 4, 1 << 24), ("context", context, 1, 1 << 20),
      ("encoder-layers", encoderLayers, 1, 1 << 10), ("decoder-layers", decoderLayers, 1, 1 << 10),
      ("heads", heads, 1, 1 << 10), ("embd", width, 1, 1 << 16), ("ffn", feedForwardWidth, 1, 1 << 18),
    ])
    try ModelShapeError.check(
      width: width, heads: heads, positions: positions, parameters: parameterCount)
  }

  /// How many numbers are there: by formula, nothing is built. The sizes must lie in the ranges of `validate`.
  public var parameterCount: Int {
    let c = width, f = feedForwardWidth
    let attention = 4 * c * c + 4 * c + 2 * c, feedForward = 2 * c * f + f + c + 2 * c
    return vocabularySize * c + (positions.haveTrainedTable ? 2 * context * c : 0) + (norm == .pre ? 4 * c : 0)
      + encoderLayers * (attention + feedForward) + decoderLayers * (2 * attention + feedForward)
  }
}
