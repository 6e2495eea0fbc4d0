package import MiniGPTTensors

/// What a layer's forward or backward pass is given besides its numbers.
package struct Pass: Sendable {
  /// How rows are texts.
  package let texts: Sequences
  /// What is dropped; nil where nothing is: validation, generation.
  package let dropout: DropoutStep?
  /// What rotary positions turn by, see `RotaryEmbedding.table`; nil where positions are others.
  package var rotation: Slot?
  package let memory: Memory

  package init(_ texts: Sequences, dropout: DropoutStep? = nil, rotation: Slot? = nil, in memory: Memory) {
    self.texts = texts
    self.rotation = rotation
    self.dropout = dropout
    self.memory = memory
  }
}

/// Why activations are planned, which decides what is kept.
package enum Purpose: Sendable {
  /// Nothing: blocks use the same places.
  case inference
  /// All that a backward pass asks for.
  case training
  /// Each block's input alone; the backward pass computes the block again. Chen et al. 2016, arXiv:1604.06174, §3.
  case trainingRecomputed

  package var trains: Bool {
    switch self {
    case .inference: false
    case .training, .trainingRecomputed: true
    }
  }
}
