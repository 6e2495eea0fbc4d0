package import MiniGPTTensors

/// Where the norm of a sub-layer stands.
public enum NormPlacement: String, CaseIterable, Sendable {
  /// x + f(norm(x)), and a norm at the end: GPT-2; Xiong et al. 2020 (arXiv:2002.04745).
  case pre
  /// norm(x + f(x)): the paper, §3.1.
  case post
}

/// The box "Add & Norm" around a sub-layer f: Vaswani et al. 2017, §3.1 and figure 1.
///
/// x, y `[N, C]`. Post-norm: y = norm(x + dropout(f(x))); pre-norm: y = x + dropout(f(norm(x))). Keeps the norm's
/// statistics `[N, 2]` (RMS `[N, 1]`), and with post-norm the sum; what the norm gives is recomputed in the backward pass.
package struct AddAndNorm: Sendable {
  package let norm: Norm
  package let residual: Residual
  package let placement: NormPlacement

  package init(
    _ name: String, _ shape: BlockShape, dropoutSite: Int, in layout: inout ParameterLayout
  ) {
    norm = Norm(name, shape.block, in: &layout)
    residual = Residual(dropout: Dropout(site: dropoutSite))
    placement = shape.norm
  }

  /// What forward keeps, and the temporary memory of all blocks.
  package struct Saved: Sendable {
    package let statistics: Slot
    /// x + dropout(f), which the norm of post-norm is given.
    let sum: Slot?
    let workspace: Workspace

    /// For at most `rows` = N rows.
    package init(rows: Int, _ shape: BlockShape, _ workspace: Workspace, in plan: inout MemoryPlan) {
      statistics = plan.take(rows, shape.normKind.statistics)
      self.workspace = workspace
      switch shape.norm {
      case .pre: sum = nil
      case .post: sum = plan.take(rows, shape.width)
      }
    }

    private init(statistics: Slot, sum: Slot?, workspace: Workspace) {
      self.statistics = statistics
      self.sum = sum
      self.workspace = workspace
    }

    func first(_ rows: Int) -> Saved {
      Saved(statistics: statistics.first(rows), sum: sum?.first(rows), workspace: workspace.first(rows))
    }
  }

  /// `[N, C]` each.
  package struct Workspace: Sendable {
    /// What a norm gives.
    package let normalized: Slot
    /// The gradients of a sub-layer's output and input, and with post-norm that of the sum.
    let branch: Slot
    let gradient: Slot

    package init(rows: Int, _ shape: BlockShape, _ purpose: Purpose, in plan: inout MemoryPlan) {
      normalized = plan.take(rows, shape.width)
      branch = purpose.trains ? plan.take(rows, shape.width) : normalized
      gradient = purpose.trains ? plan.take(rows, shape.width) : normalized
    }

    private init(normalized: Slot, branch: Slot, gradient: Slot) {
      self.normalized = normalized
      self.branch = branch
      self.gradient = gradient
    }

    func first(_ rows: Int) -> Workspace {
      Workspace(normalized: normalized.first(rows), branch: branch.first(rows), gradient: gradient.first(rows))
    }
  }

  package static func reference<Scalar: Real>(
    _ x: PlainMatrix<Scalar>, _ name: String, _ block: BlockConfiguration, _ parameters: PlainParameters<Scalar>,
    _ sublayer: (PlainMatrix<Scalar>) -> PlainMatrix<Scalar>
  ) -> PlainMatrix<Scalar> {
    switch block.norm {
    case .pre: x + sublayer(Norm.reference(x, name, block, parameters))
    case .post: Norm.reference(x + sublayer(x), name, block, parameters)
    }
  }

  /// With post-norm y may stand where x does.
  package func forward(
    _ x: Slot, into y: Slot, _ saved: Saved, _ pass: Pass, _ sublayer: (_ x: Slot, _ y: Slot) -> Void
  ) {
    let saved = saved.first(x.rows)
    guard let sum = saved.sum else {
      norm.forward(x, into: saved.workspace.normalized, statistics: saved.statistics, in: pass.memory)
      sublayer(saved.workspace.normalized, y)
      return residual.forward(x, branch: y, pass)
    }
    sublayer(x, sum)
    residual.forward(x, branch: sum, pass)
    norm.forward(sum, into: y, statistics: saved.statistics, in: pass.memory)
  }

  /// Computes y once more from what was kept; with pre-norm it is still there.
  package func recompute(into y: Slot, _ saved: Saved, _ pass: Pass) {
    guard let sum = saved.sum else { return }
    norm.recompute(
      sum.first(y.rows), into: y, statistics: saved.statistics.first(y.rows), in: pass.memory)
  }

  /// `gradient` comes in as dy and leaves as dx. The sub-layer's backward pass is given the gradient of its output, its
  /// input and a place for its input's gradient. With post-norm x may stand in the workspace's `normalized`.
  package func backward(
    _ gradient: Slot, _ x: Slot, _ saved: Saved, _ pass: Pass, _ sublayer: (_ dy: Slot, _ x: Slot, _ dx: Slot) -> Void
  ) {
    let saved = saved.first(x.rows), workspace = saved.workspace, memory = pass.memory
    guard let sum = saved.sum else {
      // dx = dy + norm'(f'(dropout(dy)))
      let dBranch = residual.backward(gradient, branch: workspace.branch, pass)
      norm.recompute(x, into: workspace.normalized, statistics: saved.statistics, in: memory)
      sublayer(dBranch, workspace.normalized, workspace.branch)
      return norm.backward(workspace.branch, x, addTo: gradient, statistics: saved.statistics, in: memory)
    }
    // ds = norm'(dy), dx = ds + f'(dropout(ds))
    memory.clear(workspace.gradient)
    norm.backward(gradient, sum, addTo: workspace.gradient, statistics: saved.statistics, in: memory)
    let dBranch = residual.backward(workspace.gradient, branch: workspace.branch, pass)
    sublayer(dBranch, x, gradient)
    memory.add(gradient, workspace.gradient)
  }
}
