import MiniGPTTensors
import MiniGPTTransformer

/// A feed-forward network of each kind.
struct FeedForwardVariant: Sendable, CustomStringConvertible {
  let activation: Activation
  let isGated: Bool
  let hasBiases: Bool

  static let all = Activation.allCases.flatMap { activation in
    [(false, true), (true, true), (true, false)].map {
      FeedForwardVariant(activation: activation, isGated: $0.0, hasBiases: $0.1)
    }
  }

  var description: String { "\(activation)\(isGated ? ", gated" : "")\(hasBiases ? "" : ", no biases")" }
}
