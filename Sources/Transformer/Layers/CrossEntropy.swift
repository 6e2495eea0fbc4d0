package import MiniGPTTensors

/// The boxes "Linear" and "Softmax" with their loss: -log softmax(x Eᵀ)[target], Vaswani et al. 2017, figure 1 and §3.4.
///
/// x `[N, C]`, targets `[N]` of which a negative one counts for nothing, losses `[N, 1]`. Logits are made in slices of rows:
/// `[N, V]` never stands in memory. 2·N·C·V operations, twice that more in the backward pass.
package struct CrossEntropy: Sendable {
  package let projection: OutputProjection
  /// ε: each of the K ids gets the probability ε / K, and the target the rest on top, as PyTorch does (Szegedy et al. 2016,
  /// arXiv:1512.00567, §7; Vaswani et al. 2017, §5.4).
  package let smoothing: Float
  /// Where rows stand there twice, and their predictions are drawn towards each other.
  package let copies: Copies?

  package init(_ projection: OutputProjection, smoothing: Float = 0, copies: Copies? = nil) {
    self.projection = projection
    self.smoothing = smoothing
    self.copies = copies
  }

  /// The places of logits and losses.
  package struct Saved: Sendable {
    /// Room for the rows of logits that are there at a time.
    package let logits: Slot
    fileprivate let sliceRows: Int
    /// `[N, 1]`
    package let losses: Slot

    /// - Parameters:
    ///   - rows: at most N.
    ///   - sliceRows: rows of logits at a time; nil is a number that suits V.
    ///   - together: so many rows may have to stand in one slice.
    package init(
      rows: Int, _ projection: OutputProjection, sliceRows: Int? = nil, together: Int = 1, in plan: inout MemoryPlan
    ) {
      let vocabulary = projection.table.rows
      self.sliceRows = min(rows, sliceRows ?? CrossEntropy.sliceRows(vocabulary: vocabulary))
      if together > 1 { plan.needScratch(vocabulary) }
      logits = plan.take(max(self.sliceRows, min(rows, together)), vocabulary)
      losses = plan.take(rows, 1)
    }
  }

  /// Rows of logits at a time: some 16 MB, a function of V alone.
  package static func sliceRows(vocabulary: Int) -> Int { max(256, min(4096, (1 << 22) / max(1, vocabulary))) }

  /// The losses of all rows, each to its place, without smoothing.
  ///
  /// `seen` gets the logits of each slice of rows before they are used up.
  package func forward(
    _ x: Slot, _ targets: IndexSlot, _ saved: Saved, in memory: Memory,
    seen: (_ rows: Range<Int>, _ logits: Slot) throws -> Void = { _, _ in }
  ) rethrows {
    try slices(x.rows, saved) { rows, logits in
      projection.forward(x.rows(rows), into: logits, in: memory)
      try seen(rows, logits)
      memory.crossEntropy(logits, targets: targets.range(rows), losses: saved.losses.rows(rows), gradientScale: nil)
    }
  }

  /// The losses, and the gradient of their sum times `scale`: dx is set, the table's is added to its own.
  package func forwardAndBackward(
    _ x: Slot, _ targets: IndexSlot, into dx: Slot, scale: Float, _ saved: Saved, in memory: Memory
  ) {
    slices(x.rows, saved, together: copies.map { 2 * $0.apart } ?? 1) { rows, logits in
      projection.forward(x.rows(rows), into: logits, in: memory)
      let (targets, losses) = (targets.range(rows), saved.losses.rows(rows))
      if let copies {
        memory.consistentCrossEntropy(
          logits, targets: targets, losses: losses, copies: copies, gradientScale: scale, smoothing: smoothing)
      } else {
        memory.crossEntropy(
          logits, targets: targets, losses: losses, gradientScale: scale, smoothing: smoothing)
      }
      projection.backward(logits, x.rows(rows), into: dx.rows(rows), in: memory)
    }
  }

  private func slices(
    _ count: Int, _ saved: Saved, together: Int = 1, _ body: (_ rows: Range<Int>, _ logits: Slot) throws -> Void
  ) rethrows {
    let slice = max(1, saved.sliceRows / together) * together
    for start in stride(from: 0, to: count, by: slice) {
      let rows = start..<min(start + slice, count)
      try body(rows, saved.logits.first(rows.count))
    }
  }
}
