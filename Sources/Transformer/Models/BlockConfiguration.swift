package import MiniGPTStorage
public import MiniGPTTensors

/// What all blocks of a model are like.
public struct BlockConfiguration: Equatable, Sendable {
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

  /// Blocks of such a width; F is 4 C where it is not given.
  public init(
    heads: Int, width: Int, feedForwardWidth: Int? = nil, positions: Positions = .learned, norm: NormPlacement = .pre,
    activation: Activation = .gelu
  ) {
    self.heads = heads
    self.width = width
    self.feedForwardWidth = feedForwardWidth ?? 4 * max(0, min(width, 1 << 40))
    self.positions = positions
    self.norm = norm
    self.activation = activation
  }

  package static let fields: [Field<Self>] = [
    Field(
      "heads", "n-head", at: \.heads,
      flag: Flag(.model, .integer(1...1024), else: "recipe", "attention heads of a block")),
    Field(
      "embd", "n-embd", at: \.width, label: "width",
      flag: Flag(.model, .integer(1...65_536), else: "recipe", "width, a multiple of the heads")),
    Field(
      "ffn", at: \.feedForwardWidth, label: "feed-forward",
      flag: Flag(.model, .integer(1...262_144), else: "4 × width", "inner width of the feed-forward layer")),
    Field("positions", at: \.positions, flag: Flag(.model, .choice, else: "learned", "how places are told apart")),
    Field(
      "norm", at: \.norm, flag: Flag(.model, .choice, else: "pre", "before each layer (GPT-2) or after it (the paper)")),
    Field("activation", at: \.activation, flag: Flag(.model, .choice, else: "gelu", "of the feed-forward layer")),
  ]
}

extension Positions: FieldValue {}
extension NormPlacement: FieldValue {}
extension Activation: FieldValue {}

/// A model of blocks that are all alike. What the blocks have, it has.
@dynamicMemberLookup
public protocol BlockStack {
  /// What they are like.
  var block: BlockConfiguration { get set }
}

extension BlockStack {
  /// What the blocks have: `shape.width` is `shape.block.width`.
  @inlinable
  public subscript<Value>(
    dynamicMember member: any WritableKeyPath<BlockConfiguration, Value> & Sendable
  ) -> Value {
    get { block[keyPath: member] }
    set { block[keyPath: member] = newValue }
  }

  /// The same of what follows from it.
  @inlinable
  public subscript<Value>(dynamicMember member: any KeyPath<BlockConfiguration, Value> & Sendable) -> Value {
    block[keyPath: member]
  }
}
