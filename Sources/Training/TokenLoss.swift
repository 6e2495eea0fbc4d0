package import MiniGPTTensors
package import MiniGPTTransformer

/// The cross-entropy of a model's logits, in slices of rows: `[B·T, V]` never stands in memory.
package struct TokenLoss: Sendable {
  package let projection: OutputProjection
  /// `[N, C]`
  package let hidden: Slot
  /// `[N, C]`, where the hidden rows' gradient goes.
  package let gradient: Slot
  /// Rows of logits that are there at a time.
  package let logits: Slot
  /// `[N]`, a negative one counts for nothing.
  package let targets: IndexSlot
  /// `[N, 1]`
  package let losses: Slot

  package init(
    projection: OutputProjection, hidden: Slot, gradient: Slot, logits: Slot, targets: IndexSlot, losses: Slot
  ) {
    self.projection = projection
    self.hidden = hidden
    self.gradient = gradient
    self.logits = logits
    self.targets = targets
    self.losses = losses
  }

  /// Rows of logits at a time: some 16 MB, a function of V alone.
  package static func rows(vocabulary: Int) -> Int { max(256, min(4096, (1 << 22) / max(1, vocabulary))) }

  /// The losses of all positions, each to its place.
  package func forward(in memory: Memory) { forward(in: memory) { _, _ in } }

  /// The same; `seen` gets the logits of each slice of rows before they are used up.
  package func forward(
    in memory: Memory, seen: (_ rows: Range<Int>, _ logits: Slot) throws -> Void
  ) rethrows {
    try slices { rows, logits in
      projection.forward(hidden.rows(rows), into: logits, in: memory)
      try seen(rows, logits)
      memory.crossEntropy(logits, targets: targets.range(rows), losses: losses.rows(rows), gradientScale: nil)
    }
  }

  /// The losses, and the gradient of their sum times `scale`, by the hidden rows and by the embedding.
  package func forwardAndBackward(scale: Float, smoothing: Float = 0, in memory: Memory) {
    slices { rows, logits in
      let hidden = hidden.rows(rows)
      projection.forward(hidden, into: logits, in: memory)
      memory.crossEntropy(
        logits, targets: targets.range(rows), losses: losses.rows(rows), gradientScale: scale, smoothing: smoothing)
      projection.backward(logits, hidden, into: gradient.rows(rows), in: memory)
    }
  }

  private func slices(_ body: (_ rows: Range<Int>, _ logits: Slot) throws -> Void) rethrows {
    var start = 0
    while start < hidden.rows {
      let end = min(start + logits.rows, hidden.rows)
      try body(start..<end, logits.rows(0..<end - start))
      start = end
    }
  }
}
