package import MiniGPTTensors

extension Block {
  /// What forward keeps for backward.
  package struct Saved: Sendable {
    package let attentionNorm: AddAndNorm.Saved
    package let attention: MultiHeadAttention.Saved
    package let cross: Cross?
    package let feedForwardNorm: AddAndNorm.Saved
    package let feedForward: FeedForward.Saved
    /// The residual stream after self-attention, `[B·T, C]`.
    package let attended: Slot

    /// Of the middle sub-layer.
    package struct Cross: Sendable {
      package let norm: AddAndNorm.Saved
      package let attention: MultiHeadAttention.CrossSaved
      /// The residual stream after it, `[B·T, C]`.
      package let output: Slot
    }

    /// `workspace` is that of all blocks of the stack.
    package init(_ rows: Rows, _ shape: BlockShape, _ workspace: Workspace, in plan: inout MemoryPlan) {
      // Pre-norm's residual stream is kept; post-norm's is what a norm gives, and is recomputed.
      func stream(in plan: inout MemoryPlan) -> Slot {
        switch shape.norm {
        case .pre: plan.take(rows.target, shape.width)
        case .post: workspace.norm.normalized
        }
      }
      attention = MultiHeadAttention.Saved(rows: rows.target, shape, workspace.attention, in: &plan)
      attentionNorm = AddAndNorm.Saved(rows: rows.target, shape, workspace.norm, in: &plan)
      attended = stream(in: &plan)
      if let source = rows.source, let crossWorkspace = workspace.cross {
        cross = Cross(
          norm: AddAndNorm.Saved(rows: rows.target, shape, workspace.norm, in: &plan),
          attention: MultiHeadAttention.CrossSaved(
            rows: rows.target, sourceRows: source, shape, crossWorkspace, in: &plan),
          output: stream(in: &plan))
      } else {
        cross = nil
      }
      feedForward = FeedForward.Saved(rows: rows.target, shape, workspace.feedForward, in: &plan)
      feedForwardNorm = AddAndNorm.Saved(rows: rows.target, shape, workspace.norm, in: &plan)
    }
  }

  /// The most rows of a batch, B·T, and B·S where blocks look at a source.
  package struct Rows: Sendable {
    package let target: Int
    package let source: Int?

    package init(_ target: Int, source: Int? = nil) {
      self.target = target
      self.source = source
    }
  }

  /// Temporary memory that all blocks of a stack use in turn.
  package struct Workspace: Sendable {
    package let norm: AddAndNorm.Workspace
    package let attention: MultiHeadAttention.Workspace
    package let cross: MultiHeadAttention.CrossWorkspace?
    package let feedForward: FeedForward.Workspace

    /// The sub-layers' parts lie in the same places, since one sub-layer runs at a time.
    package init(_ rows: Rows, _ shape: BlockShape, _ purpose: Purpose, in plan: inout MemoryPlan) {
      norm = AddAndNorm.Workspace(rows: rows.target, shape, purpose, in: &plan)
      ((attention, cross), feedForward) = plan.overlay(
        { plan in
          plan.overlay(
            { MultiHeadAttention.Workspace(rows: rows.target, shape, purpose, in: &$0) },
            { plan in
              rows.source.map {
                MultiHeadAttention.CrossWorkspace(
                  rows: rows.target, sourceRows: $0, shape, purpose, in: &plan)
              }
            })
        }, { FeedForward.Workspace(rows: rows.target, shape, purpose, in: &$0) })
    }
  }
}
