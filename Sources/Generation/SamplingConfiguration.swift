/// How the next token is chosen from its distribution.
public struct SamplingConfiguration: Equatable, Sendable {
  /// Logits are divided by it; 0 takes the likeliest token.
  public var temperature: Float = 0.8
  /// Only the k likeliest tokens; 0 is off.
  public var topK = 0
  /// Only the likeliest tokens that together have this probability; 1 is off.
  public var topP: Float = 1
  /// Equal seeds give equal texts.
  public var seed: UInt64 = 0

  /// Temperature 0.8, nothing cut off.
  public init() {}
}
