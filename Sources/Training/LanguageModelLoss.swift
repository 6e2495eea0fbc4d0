package import MiniGPTTensors
package import MiniGPTTransformer

/// The loss of a GPT: every position predicts the token after it.
package enum LanguageModelLoss {
  /// Rows of logits at a time.
  package static func rows(vocabulary: Int) -> Int { TokenLoss.rows(vocabulary: vocabulary) }

  /// The losses of all positions, each to its place in `activations.losses`.
  ///
  /// `seen` gets the logits of each slice of rows before they are used up.
  package static func forward(
    _ model: GPT, _ activations: GPT.Activations, in memory: Memory,
    seen: (_ rows: Range<Int>, _ logits: Slot) throws -> Void
  ) rethrows {
    try loss(model, activations).forward(in: memory, seen: seen)
  }

  /// The losses, and the gradient of their sum times `scale`, by the hidden rows and by the embedding.
  package static func forwardAndBackward(
    _ model: GPT, _ activations: GPT.Activations, scale: Float, smoothing: Float = 0, in memory: Memory
  ) {
    loss(model, activations).forwardAndBackward(scale: scale, smoothing: smoothing, in: memory)
  }

  private static func loss(_ model: GPT, _ activations: GPT.Activations) -> TokenLoss {
    TokenLoss(
      projection: model.outputProjection, hidden: activations.hidden, gradient: activations.gradient,
      logits: activations.logits, targets: activations.targets, losses: activations.losses)
  }
}
