package import MiniGPTTensors

/// logits = x Eᵀ: the pre-softmax linear layer, tied to the embedding. Vaswani et al. 2017, §3.4.
///
/// x `[N, C]`, E `[V, C]`, logits `[N, V]`; 2·N·C·V operations.
package struct OutputProjection: Sendable {
  package let table: Slot

  /// `table` is the embedding's, or those of its rows that can be said.
  package init(tiedTo table: Slot) { self.table = table }

  package static func reference<Scalar: Real>(
    _ x: PlainMatrix<Scalar>, _ parameters: PlainParameters<Scalar>
  ) -> PlainMatrix<Scalar> {
    x * parameters.matrix("tokenEmbedding").transposed
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
