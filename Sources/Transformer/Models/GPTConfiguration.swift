package import MiniGPTStorage
public import MiniGPTTensors

/// The shape of a GPT.
public struct GPTConfiguration: BlockStack, Equatable, Sendable {
  /// V, special tokens included.
  public var vocabularySize: Int
  /// The most tokens that the model sees at once.
  public var context: Int
  /// L, blocks one upon another.
  public var layers: Int
  /// What the blocks are like.
  public var block: BlockConfiguration
  /// Whether the embedding makes the logits too; else there is a matrix for that.
  public var isTied = true

  /// A shape; F is 4 C where it is not given. Nothing is checked before `validate`.
  public init(
    vocabularySize: Int, context: Int, layers: Int, heads: Int, width: Int, feedForwardWidth: Int? = nil,
    positions: Positions = .learned, norm: NormPlacement = .pre, activation: Activation = .gelu
  ) {
    self.init(
      vocabularySize: vocabularySize, context: context, layers: layers,
      block: BlockConfiguration(
        heads: heads, width: width, feedForwardWidth: feedForwardWidth, positions: positions, norm: norm,
        activation: activation))
  }

  /// A shape of such blocks.
  public init(vocabularySize: Int, context: Int, layers: Int, block: BlockConfiguration) {
    self.vocabularySize = vocabularySize
    self.context = context
    self.layers = layers
    self.block = block
  }

  /// Its blocks. GPT-2's matrices start as N(0, 0.02²), those that add to the residual stream with a deviation of
  /// 0.02 / √(2 · layers).
  package var blockShape: BlockShape {
    BlockShape(
      block: block, context: context, start: .normal(deviation: 0.02),
      residualStart: block.startsAtZero ? .zeros : .normal(deviation: 0.02 / Float(2 * layers).squareRoot()),
      dropsAttentionWeights: true)
  }

  /// Checks every size before anything is built by it.
  public func validate() throws(ModelShapeError) { try validateShape() }

  /// How many numbers are trained. The sizes must lie in the ranges of `validate`.
  public var parameterCount: Int {
    let one = parameterCount(layers: 1)
    return one + (layers - 1) * (parameterCount(layers: 2) - one)
  }

  private func parameterCount(layers: Int) -> Int {
    var other = self
    other.layers = layers
    return GPT(other).layout.count
  }
}

extension GPTConfiguration: ModelConfiguration {
  package static let kind = "gpt"

  package init() { self.init(vocabularySize: 0, context: 0, layers: 0, heads: 0, width: 0) }

  package static let fields: [Field<Self>] =
    [
      Field(
        "vocab-size", at: \.vocabularySize, in: .integers(2...1 << 24), label: "vocabulary", unit: "tokens",
        noun: "vocabulary"),
      Field(
        "context", "block-size", at: \.context, unit: "tokens",
        flag: Flag(.model, .integer(1...1_048_576), else: "recipe", "tokens that the model sees at once")),
      Field("layers", "n-layer", at: \.layers, flag: Flag(.model, .integer(1...1024), else: "recipe", "blocks")),
    ] + BlockConfiguration.fields.map { $0.within(\.block) } + [
      Field(
        "tied", at: \.isTied, traits: .sparse,
        flag: Flag(.model, .onOff, else: "off; on for gpt2", "whether the embedding makes the logits too"))
    ]
}
