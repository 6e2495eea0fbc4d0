package import MiniGPTTensors

/// logits = x Eᵀ: the pre-softmax linear layer. Vaswani et al. 2017, §3.4, where E is the embedding itself; a GPT may have
/// a matrix of its own.
///
/// x `[N, C]`, E `[V, C]`, logits `[N, V]`; 2·N·C·V operations.
package struct OutputProjection: Sendable {
  package let table: Slot

  /// What a matrix of its own is called.
  package static let name = "outputEmbedding"

  /// `table` is the embedding's, those of its rows that can be said, or one of its own.
  package init(_ table: Slot) { self.table = table }

  package static func reference<Scalar: Real>(
    _ x: PlainMatrix<Scalar>, _ parameters: PlainParameters<Scalar>
  ) -> PlainMatrix<Scalar> {
    let own = parameters.matrix(name)
    return x * (own.rows > 0 ? own : parameters.matrix("tokenEmbedding")).transposed
  }

  package func forward(_ x: Slot, into logits: Slot, in memory: Memory) {
    memory.product(logits, x.plain, table.transposed)  // [N, V]
  }

  /// dx = dlogits E, dE += dlogitsᵀ x.
  package func backward(_ dlogits: Slot, _ x: Slot, into dx: Slot, in memory: Memory) {
    memory.product(table.at(.gradients), dlogits.transposed, x.plain, accumulate: true)  // [V, C]
    memory.product(dx, dlogits.plain, table.plain)  // [N, C]
  }
}
