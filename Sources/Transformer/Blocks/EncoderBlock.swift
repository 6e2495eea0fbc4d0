package import MiniGPTTensors

/// One block of the encoder: self-attention, in which every token of the source sees every other, and feed-forward, each
/// in its "Add & Norm". Vaswani et al. 2017, §3.1 and figure 1, left.
///
/// x, y `[B·S, C]`. What norms and the activation give is made again on the way back instead of being kept.
package struct EncoderBlock: Sendable {
  package let attentionNorm: AddAndNorm
  package let attention: MultiHeadAttention
  package let feedForwardNorm: AddAndNorm
  package let feedForward: FeedForward

  /// Places of a block where elements are dropped: attention's weights, and what each sub-layer adds.
  package static let sites = 3

  package init(_ name: String, _ shape: BlockShape, firstSite site: Int, in layout: inout ParameterLayout) {
    attentionNorm = AddAndNorm(
      name + ".attentionNorm", shape.width, shape.norm, dropout: Dropout(site: site + 1), in: &layout)
    attention = MultiHeadAttention(name + ".attention", shape, mask: .full, dropout: Dropout(site: site), in: &layout)
    feedForwardNorm = AddAndNorm(
      name + ".feedForwardNorm", shape.width, shape.norm, dropout: Dropout(site: site + 2), in: &layout)
    feedForward = FeedForward(name + ".feedForward", shape, in: &layout)
  }

  /// What forward keeps for backward: a decoder block's without the middle.
  package typealias Saved = DecoderBlock.Saved

  /// One text.
  package static func reference<Scalar: Real>(
    _ x: PlainMatrix<Scalar>, _ name: String, _ shape: BlockShape, _ parameters: PlainParameters<Scalar>
  ) -> PlainMatrix<Scalar> {
    let middle = AddAndNorm.reference(x, name + ".attentionNorm", shape.norm, parameters) { x in
      MultiHeadAttention.reference(
        x, name + ".attention", length: x.rows, heads: shape.heads, mask: .full, parameters)
    }
    return AddAndNorm.reference(middle, name + ".feedForwardNorm", shape.norm, parameters) { x in
      FeedForward.reference(x, name + ".feedForward", shape.activation, parameters)
    }
  }

  package func forward(
    _ x: Slot, into y: Slot, _ texts: Sequences, _ context: DropoutContext?, saved: Saved, _ workspace: BlockWorkspace,
    in memory: Memory
  ) {
    let rows = x.rows, length = texts.length, workspace = workspace.rows(rows)
    let middle = attentionNorm.forward(
      x, normalized: workspace.normalized, length: length, context, saved: saved.attentionNorm.rows(rows), in: memory
    ) { attention.forward($0, into: $1, texts, context, saved: saved.attention, in: memory) }
    let hidden = saved.hidden.rows(0..<rows)  // [B·S, F]
    let activated = workspace.wide.shaped(rows, hidden.columns)  // [B·S, F]
    _ = feedForwardNorm.forward(
      middle, normalized: feedForwardNorm.placement == .post ? y : workspace.normalized, length: length, context,
      saved: saved.feedForwardNorm(y), in: memory
    ) { feedForward.forward($0, into: $1, hidden: hidden, activated: activated, in: memory) }
  }

  /// `gradient` comes in as dy and leaves as dx; x is the block's input.
  package func backward(
    _ gradient: Slot, _ x: Slot, _ texts: Sequences, _ context: DropoutContext?, saved: Saved,
    _ workspace: BlockWorkspace, in memory: Memory
  ) {
    let rows = x.rows, length = texts.length, workspace = workspace.rows(rows)
    let attentionSaved = saved.attentionNorm.rows(rows), normalized = workspace.normalized
    let hidden = saved.hidden.rows(0..<rows)  // [B·S, F]
    let activated = workspace.wide.shaped(rows, hidden.columns)  // [B·S, F]
    let dHidden = workspace.wideGradient.shaped(rows, hidden.columns)  // [B·S, F]
    feedForwardNorm.backward(
      gradient, attentionNorm.again(normalized: normalized, saved: attentionSaved, in: memory), normalized: normalized,
      branch: workspace.branch, dSum: workspace.gradient, length: length, context,
      saved: saved.feedForwardNorm(gradient), in: memory
    ) { feedForward.backward($0, $1, into: $2, hidden: hidden, activated: activated, dHidden: dHidden, in: memory) }
    attentionNorm.backward(
      gradient, x, normalized: normalized, branch: workspace.branch, dSum: workspace.gradient, length: length, context,
      saved: attentionSaved, in: memory
    ) {
      attention.backward(
        $0, $1, into: $2, dHeads: workspace.wide.shaped(rows, x.columns),
        dProjections: workspace.wideGradient.shaped(rows, 3 * x.columns), texts, context, saved: saved.attention,
        in: memory)
    }
  }
}
