internal import MiniGPTStorage
internal import MiniGPTTensors

/// How the angles of rotary positions are made smaller, so that a model trained on short texts goes on with longer ones.
public struct RotaryScaling: Equatable, Sendable {
  /// Which angles become smaller.
  public enum Kind: String, CaseIterable, Sendable {
    case none
    /// All, by the factor: Chen et al. 2023 (arXiv:2306.15595), §2.3, eq. (4).
    case linear
    /// Those of pairs that turn slowly, by the factor, of fast ones none, with a ramp between: Llama 3.1.
    case llama3
  }

  /// Which angles become smaller.
  public var kind = Kind.none
  /// By how much.
  public var factor = 1.0
  /// Of Llama 3: pairs that turn less often within `original` places are slowed down whole.
  public var low = 1.0
  /// Those that turn more often are not slowed down at all.
  public var high = 4.0
  /// The context before, in tokens.
  public var original = 8192

  /// None.
  public init() {}

  /// An angle a place, scaled.
  package func scaled(_ frequency: Double) -> Double {
    switch kind {
    case .none: return frequency
    case .linear: return frequency / factor
    case .llama3:
      let turns = Double(original) * frequency / (2 * Double.pi)
      let ramp = min(1, max(0, (turns - low) / (high - low)))
      return frequency * (ramp + (1 - ramp) / factor)
    }
  }

  /// What is impossible about it, in words.
  package var problem: String? {
    if !(factor > 0 && factor <= 1e6) { return "a rotary factor of \(shortest(factor))" }
    if !(low > 0 && high > low && high <= 1e6) {
      return "rotary positions scaled between \(shortest(low)) and \(shortest(high)) turns"
    }
    return nil
  }
}
