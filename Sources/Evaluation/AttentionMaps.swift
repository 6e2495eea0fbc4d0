package import MiniGPTTensors
package import MiniGPTTransformer

/// Who looks at whom: the attention weights of every layer and head for one text.
///
/// Queries and keys are those of the model's own forward pass; the weights come from the plain reference of scaled
/// dot-product attention, as the fast one never holds them: softmax(q kᵀ / √D), Vaswani et al. 2017, eq. (1).
package struct AttentionMaps: Sendable {
  /// By layer and head, `[T, T]` each: row t holds what position t takes from each position; a row sums to 1.
  package let weights: [[PlainMatrix<Double>]]

  /// The maps of a GPT for a text of at most `context` ids.
  package init(_ model: GPT, parameters: ParameterStorage, ids: [Int32], on processor: Processor) {
    // As for training, so that every layer keeps its queries and keys.
    var plan = MemoryPlan()
    let capacity = TextBatch.Capacity(windows: 1, length: ids.count)
    let activations = model.plan(capacity, .training, logitRows: 1, in: &plan)
    let batch = TextBatch.plan(capacity, in: &plan).batch(1), memory = Memory(plan, parameters, on: processor)
    model.prepare(activations, in: memory)
    batch.input.set(0, ids, padding: 0, in: memory)
    model.forward(batch, activations, dropout: nil, in: memory)
    let column = model.decoder
    weights = column.blocks.indices.map { index in
      let (query, key) = column.queriesAndKeys(
        ofBlock: index, activations.decoder, batch.input.texts, in: memory)
      return Self.weights(query, key, model.configuration.attention, mask: .causal, in: memory)
    }
  }

  /// The weights of all heads, from queries `[T, H·D]` and keys `[S, G·D]` of one text.
  package static func weights(
    _ query: Slot, _ key: Slot, _ shape: AttentionShape, mask: AttentionMask, in memory: Memory
  ) -> [PlainMatrix<Double>] {
    func plain(_ slot: Slot) -> PlainMatrix<Double> {
      PlainMatrix(slot.rows, slot.columns, memory.read(slot).map(Double.init))
    }
    let keys = plain(key)
    // The values do not matter for the weights.
    return ScaledDotProductAttention.reference(
      query: plain(query), key: keys, value: keys, shape, mask: mask
    ).weights
  }
}
