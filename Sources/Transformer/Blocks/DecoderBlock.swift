package import Tensors

/// One block of the decoder: masked self-attention and feed-forward, each with its residual and its layer norm.
/// Vaswani et al. 2017, §3.1 and figure 1, right; without the middle sub-layer it is a block of GPT.
///
/// x, y `[B·T, C]`. Pre-norm: x + f(norm(x)); post-norm: norm(x + f(x)). What norms and the activation give is made
/// again on the way back instead of being kept.
package struct DecoderBlock: Sendable {
  package let attentionNorm: LayerNorm
  package let attention: MultiHeadAttention
  package let attentionResidual: Residual
  package let feedForwardNorm: LayerNorm
  package let feedForward: FeedForward
  package let feedForwardResidual: Residual
  package let norm: NormPlacement

  /// The block number `index`; dropout's sites are counted from 1, three a block, 0 being the embedding's.
  package init(_ name: String, _ configuration: GPTConfiguration, index: Int, in layout: inout ParameterLayout) {
    let site = 1 + 3 * index
    attentionNorm = LayerNorm(name + ".attentionNorm", configuration.width, in: &layout)
    attention = MultiHeadAttention(name + ".attention", configuration, dropout: Dropout(site: site), in: &layout)
    attentionResidual = Residual(dropout: Dropout(site: site + 1))
    feedForwardNorm = LayerNorm(name + ".feedForwardNorm", configuration.width, in: &layout)
    feedForward = FeedForward(name + ".feedForward", configuration, in: &layout)
    feedForwardResidual = Residual(dropout: Dropout(site: site + 2))
    norm = configuration.norm
  }

  /// What forward keeps for backward.
  package struct Saved: Sendable {
    package let attention: MultiHeadAttention.Saved
    package let attentionStatistics: Slot
    /// x + attention, before the norm that follows it in a post-norm block.
    package let middle: Slot
    package let hidden: Slot
    package let feedForwardStatistics: Slot
    /// Post-norm alone: the sum before the last norm.
    package let sum: Slot

    package init(batch: Int, length: Int, _ configuration: GPTConfiguration, in planner: inout SlotPlanner) {
      let rows = batch * length, width = configuration.width
      attention = MultiHeadAttention.Saved(
        batch: batch, length: length, heads: configuration.heads, width: width, in: &planner)
      attentionStatistics = planner.take(rows, 2)
      middle = planner.take(rows, width)
      hidden = planner.take(rows, configuration.feedForwardWidth)
      feedForwardStatistics = planner.take(rows, 2)
      sum = configuration.norm == .post ? planner.take(rows, width) : middle
    }
  }

  /// What all blocks use in turn.
  package struct Workspace: Sendable {
    /// `[B·T, C]` each.
    package let normalized: Slot
    package let branch: Slot
    package let gradient: Slot
    /// `[B·T, max(F, 3C)]`.
    package let wide: Slot
    package let wideGradient: Slot

    /// Without a way back, only what forward uses.
    package init(rows: Int, _ configuration: GPTConfiguration, trains: Bool, in planner: inout SlotPlanner) {
      let width = configuration.width, wideWidth = max(configuration.feedForwardWidth, 3 * width)
      normalized = planner.take(rows, width)
      wide = planner.take(rows, wideWidth)
      branch = trains ? planner.take(rows, width) : normalized
      gradient = trains ? planner.take(rows, width) : normalized
      wideGradient = trains ? planner.take(rows, wideWidth) : wide
    }
  }

  package static func reference<Scalar: Real>(
    _ x: PlainMatrix<Scalar>, _ name: String, length: Int, _ configuration: GPTConfiguration,
    _ parameters: PlainParameters<Scalar>
  ) -> PlainMatrix<Scalar> {
    func attend(_ x: PlainMatrix<Scalar>) -> PlainMatrix<Scalar> {
      MultiHeadAttention.reference(
        x, name + ".attention", length: length, heads: configuration.heads, mask: .causal, parameters)
    }
    func feed(_ x: PlainMatrix<Scalar>) -> PlainMatrix<Scalar> {
      FeedForward.reference(x, name + ".feedForward", configuration.activation, parameters)
    }
    func norm(_ x: PlainMatrix<Scalar>, _ which: String) -> PlainMatrix<Scalar> {
      LayerNorm.reference(x, name + which, parameters)
    }
    switch configuration.norm {
    case .pre:
      let middle = x + attend(norm(x, ".attentionNorm"))
      return middle + feed(norm(middle, ".feedForwardNorm"))
    case .post:
      let middle = norm(x + attend(x), ".attentionNorm")
      return norm(middle + feed(middle), ".feedForwardNorm")
    }
  }

  package func forward(
    _ x: Slot, into y: Slot, length: Int, _ context: DropoutContext?, saved: Saved, _ workspace: Workspace,
    in memory: Memory
  ) {
    let activated = workspace.wide.shaped(x.rows, saved.hidden.columns)  // [B·T, F]
    let normalized = workspace.normalized
    switch norm {
    case .pre:
      attentionNorm.forward(x, into: normalized, statistics: saved.attentionStatistics, in: memory)
      attention.forward(normalized, into: saved.middle, length: length, context, saved: saved.attention, in: memory)
      attentionResidual.forward(x, branch: saved.middle, length: length, context, in: memory)
      feedForwardNorm.forward(saved.middle, into: normalized, statistics: saved.feedForwardStatistics, in: memory)
      feedForward.forward(normalized, into: y, hidden: saved.hidden, activated: activated, in: memory)
      feedForwardResidual.forward(saved.middle, branch: y, length: length, context, in: memory)
    case .post:
      attention.forward(x, into: saved.middle, length: length, context, saved: saved.attention, in: memory)
      attentionResidual.forward(x, branch: saved.middle, length: length, context, in: memory)
      attentionNorm.forward(saved.middle, into: normalized, statistics: saved.attentionStatistics, in: memory)
      feedForward.forward(normalized, into: saved.sum, hidden: saved.hidden, activated: activated, in: memory)
      feedForwardResidual.forward(normalized, branch: saved.sum, length: length, context, in: memory)
      feedForwardNorm.forward(saved.sum, into: y, statistics: saved.feedForwardStatistics, in: memory)
    }
  }

  /// `gradient` comes in as dy and leaves as dx; x is the block's input.
  package func backward(
    _ gradient: Slot, _ x: Slot, length: Int, _ context: DropoutContext?, saved: Saved, _ workspace: Workspace,
    in memory: Memory
  ) {
    switch norm {
    case .pre: preNormBackward(gradient, x, length: length, context, saved: saved, workspace, in: memory)
    case .post: postNormBackward(gradient, x, length: length, context, saved: saved, workspace, in: memory)
    }
  }

  private func preNormBackward(
    _ gradient: Slot, _ x: Slot, length: Int, _ context: DropoutContext?, saved: Saved, _ workspace: Workspace,
    in memory: Memory
  ) {
    let activated = workspace.wide.shaped(x.rows, saved.hidden.columns)  // [B·T, F]
    let dHidden = workspace.wideGradient.shaped(x.rows, saved.hidden.columns)  // [B·T, F]
    let dProjections = workspace.wideGradient.shaped(x.rows, 3 * x.columns)  // [B·T, 3C]
    let dHeads = workspace.wide.shaped(x.rows, x.columns)  // [B·T, C]
    let normalized = workspace.normalized

    var dBranch = feedForwardResidual.backward(
      gradient, branch: workspace.branch, length: length, context, in: memory)
    feedForwardNorm.again(saved.middle, into: normalized, statistics: saved.feedForwardStatistics, in: memory)
    feedForward.backward(
      dBranch, normalized, into: workspace.branch, hidden: saved.hidden, activated: activated, dHidden: dHidden,
      in: memory)
    feedForwardNorm.backward(
      workspace.branch, saved.middle, addTo: gradient, statistics: saved.feedForwardStatistics, in: memory)

    dBranch = attentionResidual.backward(gradient, branch: workspace.branch, length: length, context, in: memory)
    attentionNorm.again(x, into: normalized, statistics: saved.attentionStatistics, in: memory)
    attention.backward(
      dBranch, normalized, into: workspace.branch, dHeads: dHeads, dProjections: dProjections, length: length, context,
      saved: saved.attention, in: memory)
    attentionNorm.backward(
      workspace.branch, x, addTo: gradient, statistics: saved.attentionStatistics, in: memory)
  }

  private func postNormBackward(
    _ gradient: Slot, _ x: Slot, length: Int, _ context: DropoutContext?, saved: Saved, _ workspace: Workspace,
    in memory: Memory
  ) {
    let activated = workspace.wide.shaped(x.rows, saved.hidden.columns)  // [B·T, F]
    let dHidden = workspace.wideGradient.shaped(x.rows, saved.hidden.columns)  // [B·T, F]
    let dProjections = workspace.wideGradient.shaped(x.rows, 3 * x.columns)  // [B·T, 3C]
    let dHeads = workspace.wide.shaped(x.rows, x.columns)  // [B·T, C]
    let normalized = workspace.normalized, dSum = workspace.gradient

    memory.clear(dSum)
    feedForwardNorm.backward(gradient, saved.sum, addTo: dSum, statistics: saved.feedForwardStatistics, in: memory)
    var dBranch = feedForwardResidual.backward(dSum, branch: workspace.branch, length: length, context, in: memory)
    attentionNorm.again(saved.middle, into: normalized, statistics: saved.attentionStatistics, in: memory)
    feedForward.backward(
      dBranch, normalized, into: gradient, hidden: saved.hidden, activated: activated, dHidden: dHidden, in: memory)
    memory.add(gradient, dSum)

    memory.clear(dSum)
    attentionNorm.backward(gradient, saved.middle, addTo: dSum, statistics: saved.attentionStatistics, in: memory)
    dBranch = attentionResidual.backward(dSum, branch: workspace.branch, length: length, context, in: memory)
    attention.backward(
      dBranch, x, into: gradient, dHeads: dHeads, dProjections: dProjections, length: length, context,
      saved: saved.attention, in: memory)
    memory.add(gradient, dSum)
  }
}
