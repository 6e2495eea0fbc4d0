package import MiniGPTStorage
public import MiniGPTTensors

/// What all blocks of a model are like.
public struct BlockConfiguration: Equatable, Sendable {
  /// H, which must divide the width where heads have no width of their own.
  public var heads: Int
  /// C.
  public var width: Int
  /// F.
  public var feedForwardWidth: Int
  /// How the model knows where a token stands.
  public var positions: Positions
  /// Where the norms stand.
  public var norm: NormPlacement
  /// What stands between the matrices of the feed-forward network.
  public var activation: Activation
  /// G, heads of keys and values, each of which H / G heads of queries share; nil: as many as heads.
  public var keyValueHeads: Int?
  /// D, the width of a head; nil: C / H.
  public var headWidth: Int?
  /// What the norms are.
  public var normKind = NormKind.layer
  /// ε of the norms.
  public var normEpsilon = 1e-5
  /// Whether the activation is a gate: FFN(x) = (activation(x W_gate) ⊙ x W_up) W_down.
  public var isGated = false
  /// Whether queries and keys have RMS norms, head by head.
  public var normalizesQueriesAndKeys = false
  /// Whether products and layer norms have biases.
  public var hasBiases = true
  /// The base of rotary positions.
  public var rotaryBase = 10_000.0
  /// How rotary positions were slowed down for longer texts.
  public var rotaryScaling = RotaryScaling()
  /// Whether the projections into the residual stream start at zero, so that each block starts as the identity.
  public var startsAtZero = false

  /// Blocks of such a width, of GPT-2's kind; F is 4 C where it is not given.
  public init(
    heads: Int, width: Int, feedForwardWidth: Int? = nil, positions: Positions = .learned, norm: NormPlacement = .pre,
    activation: Activation = .gelu
  ) {
    self.heads = heads
    self.width = width
    self.feedForwardWidth = feedForwardWidth ?? Self.usualFeedForwardWidth(width, isGated: false)
    self.positions = positions
    self.norm = norm
    self.activation = activation
  }

  /// 4 C; for a gated network, which has three matrices, 8/3 C to the nearest multiple of 64, as many parameters.
  public static func usualFeedForwardWidth(_ width: Int, isGated: Bool) -> Int {
    let width = max(0, min(width, 1 << 40))
    if !isGated { return 4 * width }
    let unit = width < 96 ? 8 : 64
    return max(unit, (8 * width / 3 + unit / 2) / unit * unit)
  }

  /// What attention's matrices are like.
  package var attention: AttentionShape {
    AttentionShape(
      heads: heads, keyValueHeads: keyValueHeads, headWidth: headWidth ?? width / max(1, heads))
  }

  /// What does not go together, in words that call the width `name`; nil where all does.
  package func problem(width name: String = "width") -> String? {
    let shape = attention
    if shape.keyValueHeads < 1 || heads % shape.keyValueHeads != 0 {
      return "\(grouped(heads)) heads cannot share \(grouped(shape.keyValueHeads)) heads of keys and values evenly"
    }
    if !(normEpsilon > 0 && normEpsilon <= 1) { return "an epsilon of \(shortest(normEpsilon)) under a norm's root" }
    if !(rotaryBase > 1 && rotaryBase <= 1e12) { return "a rotary base of \(shortest(rotaryBase))" }
    if let problem = rotaryScaling.problem { return problem }
    return positions.problem(width: width, headWidth: shape.headWidth, name: name)
  }

  package static let fields: [Field<Self>] = [
    Field(
      "heads", "n-head", at: \.heads,
      flag: Flag(.model, .integer(1...1024), else: "recipe", "attention heads of a block")),
    Field(
      "embd", "n-embd", at: \.width, label: "width",
      flag: Flag(
        .model, .integer(1...65_536), else: "recipe",
        "width; a multiple of the heads, unless these have a width of their own")),
    Field(
      "ffn", at: \.feedForwardWidth, label: "feed-forward",
      flag: Flag(
        .model, .integer(1...262_144), else: "4 × width; 8/3 if gated", "inner width of the feed-forward layer")),
    Field("positions", at: \.positions, flag: Flag(.model, .choice, else: "as --arch", "how places are told apart")),
    Field(
      "norm", at: \.norm,
      flag: Flag(.model, .choice, else: "as --arch", "before each layer (GPT-2) or after it (the paper)")),
    Field("activation", at: \.activation, flag: Flag(.model, .choice, else: "as --arch", "of the feed-forward layer")),
    Field(
      "kv-heads", "n-kv-head", at: \.keyValueHeads, traits: .sparse, label: "key-value heads",
      flag: Flag(
        .model, ValueKind.integer(1...1024).optional, else: "as heads",
        "heads of keys and values, which heads share evenly")),
    Field(
      "head-width", at: \.headWidth, traits: .sparse, label: "head width",
      flag: Flag(.model, ValueKind.integer(1...8192).optional, else: "width / heads", "width of a head")),
    Field(
      "norm-kind", at: \.normKind, traits: .sparse, label: "norms",
      flag: Flag(.model, .choice, else: "as --arch", "layer norms, or those without mean and bias")),
    Field(
      "norm-eps", at: \.normEpsilon, traits: .sparse, label: "epsilon",
      flag: Flag(.model, .number(above: 0, upTo: 1), else: "as --arch", "what a norm adds under its root")),
    Field(
      "gated", at: \.isGated, traits: .sparse,
      flag: Flag(.model, .onOff, else: "as --arch", "whether the activation is a gate of the feed-forward layer")),
    Field(
      "qk-norm", at: \.normalizesQueriesAndKeys, traits: .sparse,
      flag: Flag(.model, .onOff, else: "as --arch", "RMS norms of queries and keys, head by head")),
    Field(
      "biases", at: \.hasBiases, traits: .sparse,
      flag: Flag(.model, .onOff, else: "as --arch", "of products and layer norms")),
    Field(
      "rope-base", "rope-theta", at: \.rotaryBase, traits: .sparse, label: "rotary base",
      flag: Flag(
        .model, .number(above: 1, upTo: 1e12), else: "10000",
        "what rotary positions turn by: how slow the slowest pair is")),
    Field(
      "rope-scaling", at: \.rotaryScaling.kind, traits: .sparse, label: "rotary scaling",
      flag: Flag(.model, .choice, else: "none", "how rotary positions are slowed down for longer texts")),
    Field(
      "rope-factor", at: \.rotaryScaling.factor, traits: .sparse, label: "rotary factor",
      flag: Flag(.model, .number(above: 0, upTo: 1e6), else: "1", "by how much")),
    // Those of models that are opened; nobody gives them.
    Field("rope-low", at: \.rotaryScaling.low, traits: .sparse),
    Field("rope-high", at: \.rotaryScaling.high, traits: .sparse),
    Field("rope-original", at: \.rotaryScaling.original, in: .integers(1...1 << 30), traits: .sparse),
    Field(
      "zero-init", at: \.startsAtZero, traits: .sparse, label: "zero start",
      flag: Flag(.model, .onOff, else: "as --arch", "projections into the residual stream start at zero")),
  ]
}

/// The sizes of attention: how many heads, and how wide.
package struct AttentionShape: Equatable, Sendable {
  /// H
  package let heads: Int
  /// G; a head of keys and values serves H / G heads of queries.
  package let keyValueHeads: Int
  /// D
  package let headWidth: Int

  package init(heads: Int, keyValueHeads: Int? = nil, headWidth: Int) {
    self.heads = heads
    self.keyValueHeads = keyValueHeads ?? heads
    self.headWidth = headWidth
  }

  /// H·D, the columns of queries and of what the heads give.
  package var queryWidth: Int { heads * headWidth }
  /// G·D, those of keys, and of values.
  package var keyWidth: Int { keyValueHeads * headWidth }
  /// Queries, keys and values side by side.
  package var width: Int { queryWidth + 2 * keyWidth }

  package var queries: Range<Int> { 0..<queryWidth }
  package var keys: Range<Int> { queryWidth..<queryWidth + keyWidth }
  package var values: Range<Int> { queryWidth + keyWidth..<width }
  package var keysAndValues: Range<Int> { queryWidth..<width }
}

extension Positions: FieldValue {}
extension NormPlacement: FieldValue {}
extension Activation: FieldValue {}
extension NormKind: FieldValue {}
extension RotaryScaling.Kind: FieldValue {}

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
