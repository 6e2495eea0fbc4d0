/// How the next token is chosen from its distribution. The steps are applied in the order in which they stand here.
public struct SamplingConfiguration: Equatable, Sendable {
  /// Tokens that were there before become less likely by this factor; 1 is off. See `RepetitionPenalty`.
  public var repetitionPenalty: Float = 1
  /// Logits are divided by it; 0 takes the likeliest token.
  public var temperature: Float = 0.8
  /// Only the k likeliest tokens; 0 is off.
  public var topK = 0
  /// Only the likeliest tokens that together have this probability; 1 is off, 0 leaves the likeliest alone.
  public var topP: Float = 1
  /// Only tokens that have at least this share of the likeliest one's probability; 0 is off.
  public var minP: Float = 0
  /// Equal seeds give equal texts.
  public var seed: UInt64 = 0

  /// Temperature 0.8, nothing cut off.
  public init() {}

  /// Whether no chance is in it.
  package var isGreedy: Bool { !(temperature > 0) || topK == 1 }
}
