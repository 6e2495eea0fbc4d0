public import MiniGPTTensors

/// The shape of a GPT.
public struct GPTConfiguration: Equatable, Sendable {
  /// V, special tokens included.
  public var vocabularySize: Int
  /// The most tokens that the model sees at once.
  public var context: Int
  /// L, blocks one upon another.
  public var layers: Int
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

  /// A shape; F is 4 C where it is not given. Nothing is checked before `validate`.
  public init(
    vocabularySize: Int, context: Int, layers: Int, heads: Int, width: Int, feedForwardWidth: Int? = nil,
    positions: Positions = .learned, norm: NormPlacement = .pre, activation: Activation = .gelu
  ) {
    self.vocabularySize = vocabularySize
    self.context = context
    self.layers = layers
    self.heads = heads
    self.width = width
    self.feedForwardWidth = feedForwardWidth ?? 4 * max(0, min(width, 1 << 40))
    self.positions = positions
    self.norm = norm
    self.activation = activation
  }

  /// Its blocks. GPT-2's matrices start as N(0, 0.02²), those that add to the residual stream with a deviation of
  /// 0.02 / √(2 · layers).
  package var block: BlockShape {
    BlockShape(
      width: width, heads: heads, feedForwardWidth: feedForwardWidth, context: context, norm: norm,
      activation: activation, start: .normal(deviation: 0.02),
      residualStart: .normal(deviation: 0.02 / Float(2 * layers).squareRoot()), dropsAttentionWeights: true)
  }

  /// Checks every size before anything is built by it.
  public func validate() throws(ModelShapeError) {
    try ModelShapeError.check([
      ("vocabulary", vocabularySize, 2, 1 << 24), ("context", context, 1, 1 << 20), ("layers", layers, 1, 1 << 10),
      ("heads", heads, 1, 1 << 10), ("embd", width, 1, 1 << 16), ("ffn", feedForwardWidth, 1, 1 << 18),
    ])
    try ModelShapeError.check(
      width: width, heads: heads, positions: positions, parameters: parameterCount)
  }

  /// How many numbers are trained: by formula, nothing is built. The sizes must lie in the ranges of `validate`.
  public var parameterCount: Int {
    let c = width, f = feedForwardWidth
    let block = c * 3 * c + 3 * c + c * c + c + c * f + f + f * c + c + 4 * c
    return vocabularySize * c + (positions.haveTrainedTable ? context * c : 0) + layers * block
      + (norm == .pre ? 2 * c : 0)
  }
}
