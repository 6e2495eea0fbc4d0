package import MiniGPTTensors

/// Tables of positions that nobody trains: computed once, before the first batch.
package struct PositionTables: Sendable {
  /// Sines and cosines that are added to the embeddings, `[length, C]`.
  package let added: Slot?
  /// What queries and keys are turned by, `[length, D]`.
  package let rotation: Slot?
  private let scale: Float
  private let block: BlockConfiguration

  /// Plans what the positions of an embedding and of blocks need for texts of at most `length` tokens; `write` fills it.
  package init(_ length: Int, _ embedding: Embedding, _ block: BlockConfiguration, in plan: inout MemoryPlan) {
    self.block = block
    switch embedding.positions {
    case .sinusoidal(let scale):
      self.scale = scale
      added = plan.take(length, embedding.table.columns)
    case .learned, .none:
      scale = 0
      added = nil
    }
    rotation = block.positions == .rotary ? plan.take(length, block.attention.headWidth) : nil
  }

  package func write(in memory: Memory) {
    if let added {
      let table: PlainMatrix<Float> = PositionalEncoding.table(rows: added.rows, width: added.columns, scale: scale)
      memory.write(added, table.elements)
    }
    if let rotation {
      let table: PlainMatrix<Float> = RotaryEmbedding.table(rows: rotation.rows, block)
      memory.write(rotation, table.elements)
    }
  }
}
