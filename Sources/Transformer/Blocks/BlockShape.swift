package import MiniGPTTensors

/// What the blocks of a model are built by.
package struct BlockShape: Sendable, Equatable {
  /// C.
  package var width: Int
  /// H.
  package var heads: Int
  /// F.
  package var feedForwardWidth: Int
  /// The most places of a text: what attention's dropout counts by.
  package var context: Int
  package var norm: NormPlacement
  package var activation: Activation
  /// How matrices start, and how those do that add to the residual stream.
  package var start: Parameter.Start
  package var residualStart: Parameter.Start
  /// Whether attention weights are dropped too, and not only what a sub-layer adds.
  package var dropsAttentionWeights: Bool
}
