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
  public package(set) var bleu: Double?

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

/// A walk through held-out batches, without smoothing. The training's validation and `minigpt eval` are this one function.
package enum HeldOutLoss {
  /// Returns the mean loss of all predictions, or nil where `progress` asked to stop.
  ///
  /// - Parameters:
  ///   - byteLengths: bytes of each token.
  ///   - seen: gets the logits of all predictions in their order, some rows at a time.
  ///   - progress: called with the part of the batches that is done, up to 1; gives false to stop.
  package static func run<Model: TrainableModel, HeldOut: HeldOutBatches>(
    _ model: Model, _ workspace: TrainingWorkspace<Model>, on heldOut: HeldOut, byteLengths: [Int32],
    seen: (_ logits: Slot) throws -> Void = { _ in }, progress: (Double) -> Bool = { _ in true }
  ) rethrows -> EvaluationResult? where HeldOut.Batch == Model.Batch {
    let memory = workspace.memory
    var total = 0.0, bytes = 0, tokens = 0
    for index in 0..<heldOut.count {
      let batch = heldOut.fill(index, into: workspace.places, in: memory), targets = batch.targets
      let losses = try model.losses(of: batch, workspace.activations, in: memory) { rows, logits in
        var start = 0
        // Runs of rows that predict something; the others are left out.
        while start < rows.count {
          var end = start
          while end < rows.count, memory.index(targets, rows.lowerBound + end) >= 0 { end += 1 }
          if end > start { try seen(logits.rows(start..<end)) }
          start = max(end, start + 1)
        }
      }
      // Losses are added one after another, so that the size of a batch does not show in the sum.
      for row in 0..<targets.count {
        let target = memory.index(targets, row)
        if target < 0 { continue }
        total += Double(memory.value(losses, row, 0))
        bytes += Int(byteLengths[Int(target)])
        tokens += 1
      }
      if !progress(Double(index + 1) / Double(heldOut.count)) { return nil }
    }
    return EvaluationResult(tokens: tokens, bytes: bytes, loss: total / Double(max(1, tokens)))
  }
}
