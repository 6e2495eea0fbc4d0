package import Tensors
package import Transformer

/// The cross-entropy of a GPT's logits, in slices of rows: `[B·T, V]` never stands in memory.
package enum LanguageModelLoss {
  /// Rows of logits at a time: some 16 MB, a function of V alone.
  package static func rows(vocabulary: Int) -> Int { max(256, min(4096, (1 << 22) / max(1, vocabulary))) }

  /// The losses of all positions, each to its place in `activations.losses`.
  package static func forward(_ model: GPT, _ activations: GPT.Activations, in memory: Memory) {
    slices(activations) { rows, logits in
      model.outputProjection.forward(activations.hidden.rows(rows), into: logits, in: memory)
      memory.crossEntropy(
        logits, targets: activations.targets.range(rows), losses: activations.losses.rows(rows), gradientScale: nil)
    }
  }

  /// The losses, and the gradient of their sum times `scale`, by the hidden rows and by the embedding.
  package static func forwardAndBackward(
    _ model: GPT, _ activations: GPT.Activations, scale: Float, in memory: Memory
  ) {
    slices(activations) { rows, logits in
      let hidden = activations.hidden.rows(rows)
      model.outputProjection.forward(hidden, into: logits, in: memory)
      memory.crossEntropy(
        logits, targets: activations.targets.range(rows), losses: activations.losses.rows(rows), gradientScale: scale)
      model.outputProjection.backward(logits, hidden, into: activations.gradient.rows(rows), in: memory)
    }
  }

  private static func slices(_ activations: GPT.Activations, _ body: (_ rows: Range<Int>, _ logits: Slot) -> Void) {
    let rows = activations.hidden.rows, most = activations.logits.rows
    var start = 0
    while start < rows {
      let end = min(start + most, rows)
      body(start..<end, activations.logits.rows(0..<end - start))
      start = end
    }
  }
}
