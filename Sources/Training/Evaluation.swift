package import MiniGPTDatasets
package import MiniGPTTensors
package import MiniGPTTransformer

/// How well a model predicts a text.
public struct EvaluationResult: Equatable, Sendable {
  /// Predictions.
  public let tokens: Int
  /// Bytes that the predicted tokens stand for.
  public let bytes: Int
  /// Mean cross-entropy in nats a token.
  public let loss: Double
  /// BLEU of sentence pairs, where they were translated too.
  public internal(set) var bleu: Double?

  package init(tokens: Int, bytes: Int, loss: Double) {
    self.tokens = tokens
    self.bytes = bytes
    self.loss = loss
  }

  /// exp(loss).
  public var perplexity: Double { Double.exp(loss) }

  /// Total cross-entropy in bits, over the bytes: comparable between vocabularies.
  public var bitsPerByte: Double { bytes == 0 ? .nan : loss * Double(tokens) / Double.log(2) / Double(bytes) }
}

/// A walk through a text in windows of `context` inputs, one after another; each position predicts the token after it
/// from its own window. The training's validation and `minigpt eval` are this one function.
package enum Evaluation {
  /// - Parameters:
  ///   - byteLengths: bytes of each token.
  ///   - seen: gets the logits of all predictions in their order, some rows at a time.
  ///   - progress: called with the number of windows done; gives false to stop, and the result is nil.
  package static func run(
    _ model: GPT, _ activations: GPT.Activations, tokens: TokenSequence, byteLengths: [Int32], in memory: Memory,
    seen: (_ logits: Slot) throws -> Void, progress: (Int) -> Bool
  ) rethrows -> EvaluationResult? {
    let context = activations.length, predictions = max(0, tokens.count - 1)
    var total = 0.0, bytes = 0, window = 0
    while window * context < predictions {
      let filled = LanguageModelWindows.fillInOrder(
        activations.ids, activations.targets, from: tokens, context: context, first: window, in: memory)
      model.forward(activations, nil, in: memory)
      let left = predictions - window * context
      try LanguageModelLoss.forward(model, activations, in: memory) { rows, logits in
        // Only the last window is short, so that what predicts nothing stands behind all that does.
        let count = min(rows.count, left - rows.lowerBound)
        if count > 0 { try seen(logits.rows(0..<count)) }
      }
      // Losses are added one after another, so that the size of a batch does not show in the sum.
      for row in 0..<filled * context {
        let target = memory.index(activations.targets, row)
        if target < 0 { continue }
        total += Double(memory.value(activations.losses, row, 0))
        bytes += Int(byteLengths[Int(target)])
      }
      window += filled
      if !progress(window) { return nil }
    }
    return EvaluationResult(tokens: predictions, bytes: bytes, loss: total / Double(max(1, predictions)))
  }

  /// The same where nobody wants to see the logits.
  package static func run(
    _ model: GPT, _ activations: GPT.Activations, tokens: TokenSequence, byteLengths: [Int32], in memory: Memory,
    progress: (Int) -> Bool = { _ in true }
  ) -> EvaluationResult? {
    run(
      model, activations, tokens: tokens, byteLengths: byteLengths, in: memory, seen: { _ in }, progress: progress)
  }
}
