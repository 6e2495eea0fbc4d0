/// What the blocks of a model are built by.
package struct BlockShape: BlockStack, Sendable, Equatable {
  package var block: BlockConfiguration
  /// The most places of a text: what attention's dropout counts by.
  package var context: Int
  /// How matrices start, and how those do that add to the residual stream.
  package var start: Parameter.Start
  package var residualStart: Parameter.Start
  /// Whether attention weights are dropped too, and not only what a sub-layer adds.
  package var dropsAttentionWeights: Bool
  /// How an output matrix of its own starts.
  package var outputStart: Parameter.Start { block.startsAtZero ? .zeros : start }
}
