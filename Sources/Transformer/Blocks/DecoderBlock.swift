package import MiniGPTTensors

/// One block of the decoder: masked self-attention, attention over the source, feed-forward, each in its "Add & Norm".
/// Vaswani et al. 2017, §3.1 and figure 1, right; without the middle sub-layer it is a block of GPT.
///
/// x, y `[B·T, C]`, the source's rows `[B·S, C]`. What norms and the activation give is made again on the way back
/// instead of being kept.
package struct DecoderBlock: Sendable {
  package let attentionNorm: AddAndNorm
  package let attention: MultiHeadAttention
  package let crossAttentionNorm: AddAndNorm?
  package let crossAttention: MultiHeadAttention?
  package let feedForwardNorm: AddAndNorm
  package let feedForward: FeedForward

  /// Places of a block where elements are dropped: attention's weights, and what each sub-layer adds; the middle
  /// sub-layer's two come last.
  package static func sites(crossAttends: Bool) -> Int { crossAttends ? 5 : 3 }

  package init(
    _ name: String, _ shape: BlockShape, crossAttends: Bool = false, firstSite site: Int,
    in layout: inout ParameterLayout
  ) {
    func addAndNorm(_ which: String, site: Int) -> AddAndNorm {
      AddAndNorm(name + which, shape.width, shape.norm, dropout: Dropout(site: site), in: &layout)
    }
    attentionNorm = addAndNorm(".attentionNorm", site: site + 1)
    attention = MultiHeadAttention(
      name + ".attention", shape, mask: .causal, dropout: Dropout(site: site), in: &layout)
    crossAttentionNorm = crossAttends ? addAndNorm(".crossAttentionNorm", site: site + 4) : nil
    crossAttention =
      crossAttends
      ? MultiHeadAttention(
        name + ".crossAttention", shape, mask: .full, dropout: Dropout(site: site + 3), in: &layout) : nil
    feedForwardNorm = addAndNorm(".feedForwardNorm", site: site + 2)
    feedForward = FeedForward(name + ".feedForward", shape, in: &layout)
  }

  /// What the middle sub-layer looks at: the encoder's output.
  package struct Source: Sendable {
    /// `[B·S, C]`
    package let rows: Slot
    package let texts: Sequences
    /// `[B·S, C]`, which every block adds to.
    package let gradient: Slot
    /// `[B·S, 2C]`, used on the way back.
    package let keyValueGradient: Slot

    package init(rows: Slot, texts: Sequences, gradient: Slot, keyValueGradient: Slot) {
      self.rows = rows
      self.texts = texts
      self.gradient = gradient
      self.keyValueGradient = keyValueGradient
    }
  }

  /// What forward keeps for backward.
  package struct Saved: Sendable {
    package let attention: MultiHeadAttention.Saved
    package let attentionNorm: AddAndNorm.Saved
    package let crossAttention: MultiHeadAttention.CrossSaved?
    package let crossAttentionNorm: AddAndNorm.Saved?
    package let hidden: Slot
    package let feedForwardStatistics: Slot
    /// Post-norm alone: the sum before the last norm.
    package let feedForwardSum: Slot?

    /// For at most `rows` = B·T and, where there is a source, `sourceRows` = B·S rows.
    package init(rows: Int, sourceRows: Int? = nil, _ shape: BlockShape, in planner: inout SlotPlanner) {
      attention = MultiHeadAttention.Saved(rows: rows, shape, in: &planner)
      attentionNorm = AddAndNorm.Saved(statistics: planner.take(rows, 2), sum: planner.take(rows, shape.width))
      if let sourceRows {
        crossAttention = MultiHeadAttention.CrossSaved(rows: rows, sourceRows: sourceRows, shape, in: &planner)
        crossAttentionNorm = AddAndNorm.Saved(statistics: planner.take(rows, 2), sum: planner.take(rows, shape.width))
      } else {
        crossAttention = nil
        crossAttentionNorm = nil
      }
      hidden = planner.take(rows, shape.feedForwardWidth)
      feedForwardStatistics = planner.take(rows, 2)
      feedForwardSum = shape.norm == .post ? planner.take(rows, shape.width) : nil
    }

    /// With pre-norm the last sum is the block's output `y` itself, which the way back does not ask for.
    func feedForwardNorm(_ y: Slot) -> AddAndNorm.Saved {
      AddAndNorm.Saved(statistics: feedForwardStatistics, sum: feedForwardSum ?? y).rows(y.rows)
    }
  }

  /// One text; `source`, where there is one, is its source's.
  package static func reference<Scalar: Real>(
    _ x: PlainMatrix<Scalar>, over source: PlainMatrix<Scalar>? = nil, _ name: String, length: Int, _ shape: BlockShape,
    _ parameters: PlainParameters<Scalar>
  ) -> PlainMatrix<Scalar> {
    var y = AddAndNorm.reference(x, name + ".attentionNorm", shape.norm, parameters) { x in
      MultiHeadAttention.reference(
        x, name + ".attention", length: length, heads: shape.heads, mask: .causal, parameters)
    }
    if let source {
      y = AddAndNorm.reference(y, name + ".crossAttentionNorm", shape.norm, parameters) { x in
        MultiHeadAttention.crossReference(x, over: source, name + ".crossAttention", heads: shape.heads, parameters)
      }
    }
    return AddAndNorm.reference(y, name + ".feedForwardNorm", shape.norm, parameters) { x in
      FeedForward.reference(x, name + ".feedForward", shape.activation, parameters)
    }
  }

  package func forward(
    _ x: Slot, into y: Slot, _ texts: Sequences, source: Source? = nil, _ context: DropoutContext?, saved: Saved,
    _ workspace: BlockWorkspace, in memory: Memory
  ) {
    let rows = x.rows, length = texts.length, workspace = workspace.rows(rows)
    var stream = attentionNorm.forward(
      x, normalized: workspace.normalized, length: length, context, saved: saved.attentionNorm.rows(rows), in: memory
    ) { attention.forward($0, into: $1, texts, context, saved: saved.attention, in: memory) }
    if let source, let crossAttention, let norm = crossAttentionNorm, let savedNorm = saved.crossAttentionNorm,
      let saved = saved.crossAttention
    {
      stream = norm.forward(
        stream, normalized: workspace.normalized, length: length, context, saved: savedNorm.rows(rows), in: memory
      ) {
        crossAttention.forward(
          $0, texts, over: source.rows, source.texts, into: $1, context, saved: saved, in: memory)
      }
    }
    let hidden = saved.hidden.rows(0..<rows)  // [B·T, F]
    let activated = workspace.wide.shaped(rows, hidden.columns)  // [B·T, F]
    _ = feedForwardNorm.forward(
      stream, normalized: feedForwardNorm.placement == .post ? y : workspace.normalized, length: length, context,
      saved: saved.feedForwardNorm(y), in: memory
    ) { feedForward.forward($0, into: $1, hidden: hidden, activated: activated, in: memory) }
  }

  /// `gradient` comes in as dy and leaves as dx; x is the block's input. The source's gradient is added to its own.
  package func backward(
    _ gradient: Slot, _ x: Slot, _ texts: Sequences, source: Source? = nil, _ context: DropoutContext?, saved: Saved,
    _ workspace: BlockWorkspace, in memory: Memory
  ) {
    let rows = x.rows, length = texts.length, workspace = workspace.rows(rows)
    let attentionSaved = saved.attentionNorm.rows(rows), crossSaved = saved.crossAttentionNorm?.rows(rows)
    let normalized = workspace.normalized, branch = workspace.branch, dSum = workspace.gradient
    let dHeads = workspace.wide.shaped(rows, x.columns)  // [B·T, C]

    let hidden = saved.hidden.rows(0..<rows)  // [B·T, F]
    let activated = workspace.wide.shaped(rows, hidden.columns)  // [B·T, F]
    let dHidden = workspace.wideGradient.shaped(rows, hidden.columns)  // [B·T, F]
    // With post-norm `again` makes what the sub-layer was given; with pre-norm it stands in the sum that was kept.
    let middle: Slot =
      if let crossAttentionNorm, let crossSaved {
        crossAttentionNorm.again(normalized: normalized, saved: crossSaved, in: memory)
      } else {
        attentionNorm.again(normalized: normalized, saved: attentionSaved, in: memory)
      }
    feedForwardNorm.backward(
      gradient, middle, normalized: normalized, branch: branch, dSum: dSum, length: length, context,
      saved: saved.feedForwardNorm(gradient), in: memory
    ) { feedForward.backward($0, $1, into: $2, hidden: hidden, activated: activated, dHidden: dHidden, in: memory) }

    if let source, let crossAttention, let crossAttentionNorm, let crossSaved, let saved = saved.crossAttention {
      crossAttentionNorm.backward(
        gradient, attentionNorm.again(normalized: normalized, saved: attentionSaved, in: memory),
        normalized: normalized, branch: branch, dSum: dSum, length: length, context, saved: crossSaved, in: memory
      ) {
        crossAttention.backward(
          $0, $1, texts, over: source.rows, source.texts, into: $2, addTo: source.gradient, dHeads: dHeads,
          dQueries: workspace.wideGradient.shaped(rows, x.columns), dKeyValues: source.keyValueGradient, context,
          saved: saved, in: memory)
      }
    }

    attentionNorm.backward(
      gradient, x, normalized: normalized, branch: branch, dSum: dSum, length: length, context, saved: attentionSaved,
      in: memory
    ) {
      attention.backward(
        $0, $1, into: $2, dHeads: dHeads, dProjections: workspace.wideGradient.shaped(rows, 3 * x.columns), texts,
        context, saved: saved.attention, in: memory)
    }
  }
}
