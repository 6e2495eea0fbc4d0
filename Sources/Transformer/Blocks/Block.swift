package import MiniGPTTensors

/// A block of a stack: self-attention, attention over a source where there is one, and feed-forward, each in its "Add &
/// Norm". Vaswani et al. 2017, §3.1 and figure 1; `EncoderBlock.swift` and `DecoderBlock.swift` have the figure's names.
///
/// x, y `[B·T, C]`, the source's rows `[B·S, C]`. What norms and activations give is recomputed in the backward pass instead
/// of being kept.
package struct Block: Sendable {
  package let attentionNorm: AddAndNorm
  package let attention: MultiHeadAttention
  package let crossAttentionNorm: AddAndNorm?
  package let crossAttention: MultiHeadAttention?
  package let feedForwardNorm: AddAndNorm
  package let feedForward: FeedForward

  /// What makes a block one of the encoder or one of the decoder.
  package struct Kind: Sendable {
    /// Of self-attention.
    package let mask: AttentionMask
    /// Whether there is the middle sub-layer, a translator's.
    package let crossAttends: Bool

    /// Places of a block where elements are dropped: attention's weights, and what each sub-layer adds; the middle
    /// sub-layer's two come last.
    package var sites: Int { crossAttends ? 5 : 3 }
  }

  package init(
    _ name: String, _ kind: Kind, _ shape: BlockShape, firstSite site: Int, in layout: inout ParameterLayout
  ) {
    attentionNorm = AddAndNorm(name + ".attentionNorm", shape, dropoutSite: site + 1, in: &layout)
    attention = MultiHeadAttention(name + ".attention", shape, mask: kind.mask, dropoutSite: site, in: &layout)
    if kind.crossAttends {
      crossAttentionNorm = AddAndNorm(name + ".crossAttentionNorm", shape, dropoutSite: site + 4, in: &layout)
      crossAttention = MultiHeadAttention(
        name + ".crossAttention", shape, mask: .full, prepares: false, dropoutSite: site + 3, in: &layout)
    } else {
      (crossAttentionNorm, crossAttention) = (nil, nil)
    }
    feedForwardNorm = AddAndNorm(name + ".feedForwardNorm", shape, dropoutSite: site + 2, in: &layout)
    feedForward = FeedForward(name + ".feedForward", shape, in: &layout)
  }

  /// Texts of `length` rows; `source`, where there is one, is the source of a single text. `parameters` are the block's own.
  package static func reference<Scalar: Real>(
    _ x: PlainMatrix<Scalar>, over source: PlainMatrix<Scalar>? = nil, _ kind: Kind, length: Int, _ shape: BlockShape,
    _ parameters: PlainParameters<Scalar>
  ) -> PlainMatrix<Scalar> {
    var y = AddAndNorm.reference(x, "attentionNorm", shape.block, parameters) { x in
      MultiHeadAttention.reference(
        x, "attention", length: length, shape.block, mask: kind.mask, parameters)
    }
    if let source {
      y = AddAndNorm.reference(y, "crossAttentionNorm", shape.block, parameters) { x in
        MultiHeadAttention.crossReference(x, over: source, "crossAttention", shape.block, parameters)
      }
    }
    return AddAndNorm.reference(y, "feedForwardNorm", shape.block, parameters) { x in
      FeedForward.reference(x, "feedForward", shape.block, parameters)
    }
  }

  package func forward(
    _ x: Slot, into y: Slot, over source: MultiHeadAttention.Source? = nil, _ saved: Saved, _ pass: Pass
  ) {
    var stream = saved.attended.first(x.rows)  // [B·T, C]
    attentionNorm.forward(x, into: stream, saved.attentionNorm, pass) {
      attention.forward($0, into: $1, saved.attention, pass)
    }
    if let source, let crossAttention, let crossAttentionNorm, let cross = saved.cross {
      let crossed = cross.output.first(x.rows)  // [B·T, C]
      crossAttentionNorm.forward(stream, into: crossed, cross.norm, pass) {
        crossAttention.forward($0, over: source, into: $1, cross.attention, pass)
      }
      stream = crossed
    }
    feedForwardNorm.forward(stream, into: y, saved.feedForwardNorm, pass) {
      feedForward.forward($0, into: $1, saved.feedForward, pass)
    }
  }

  /// `gradient` comes in as dy and leaves as dx; x is the block's input. The source's gradient is added to its own.
  package func backward(
    _ gradient: Slot, _ x: Slot, over source: MultiHeadAttention.Source? = nil, _ saved: Saved, _ pass: Pass
  ) {
    let attended = saved.attended.first(x.rows)  // [B·T, C]
    if let source, let crossAttention, let crossAttentionNorm, let cross = saved.cross {
      let crossed = cross.output.first(x.rows)  // [B·T, C]
      crossAttentionNorm.recompute(into: crossed, cross.norm, pass)
      feedForwardBackward(gradient, crossed, saved, pass)
      attentionNorm.recompute(into: attended, saved.attentionNorm, pass)
      crossAttentionNorm.backward(gradient, attended, cross.norm, pass) {
        crossAttention.backward($0, $1, over: source, into: $2, cross.attention, pass)
      }
    } else {
      attentionNorm.recompute(into: attended, saved.attentionNorm, pass)
      feedForwardBackward(gradient, attended, saved, pass)
    }
    attentionNorm.backward(gradient, x, saved.attentionNorm, pass) {
      attention.backward($0, $1, into: $2, saved.attention, pass)
    }
  }

  private func feedForwardBackward(_ gradient: Slot, _ x: Slot, _ saved: Saved, _ pass: Pass) {
    feedForwardNorm.backward(gradient, x, saved.feedForwardNorm, pass) {
      feedForward.backward($0, $1, into: $2, saved.feedForward, pass)
    }
  }
}
