package import MiniGPTTensors

/// FFN(x) = activation(x W₁ + b₁) W₂ + b₂, each position for itself: Vaswani et al. 2017, §3.3, eq. (2).
///
/// Gated: FFN(x) = (activation(x W_gate + b) ⊙ (x W_up + b)) W₂ + b₂: Shazeer 2020 (arXiv:2002.05202), eq. (6); with SiLU
/// it is SwiGLU. The two matrices stand side by side as one, `[C, 2F]`.
///
/// x, y `[N, C]`, hidden `[N, F]`, gated `[N, 2F]`; 4·N·C·F operations, gated 6·N·C·F. Keeps the hidden rows before the
/// activation; after it they are recomputed in the backward pass.
package struct FeedForward: Sendable {
  /// To the hidden rows: of the gate and of what it multiplies, where there is a gate.
  package let up: Linear
  package let down: Linear
  package let activation: Activation
  /// F
  private let width: Int
  private let isGated: Bool

  package init(_ name: String, _ shape: BlockShape, in layout: inout ParameterLayout) {
    (width, isGated, activation) = (shape.feedForwardWidth, shape.isGated, shape.activation)
    up = Linear(
      name + Self.up(shape.block), shape.width, shape.hiddenWidth, parts: isGated ? 2 : 1, start: shape.start,
      hasBias: shape.hasBiases, in: &layout)
    down = Linear(
      name + ".down", width, shape.width, start: shape.residualStart, hasBias: shape.hasBiases, in: &layout)
  }

  private static func up(_ block: BlockConfiguration) -> String { block.isGated ? ".gateUp" : ".up" }

  /// What forward keeps, and the temporary memory of all blocks.
  package struct Saved: Sendable {
    /// `[N, F]` or, gated, `[N, 2F]`, before the activation.
    package let hidden: Slot
    package let workspace: Workspace

    /// For at most `rows` = N rows.
    package init(rows: Int, _ shape: BlockShape, _ workspace: Workspace, in plan: inout MemoryPlan) {
      hidden = plan.takeSpread(rows, shape.hiddenWidth)
      self.workspace = workspace
    }
  }

  /// What comes after the activation, `[N, F]`, and the gradient of what came before it.
  package struct Workspace: Sendable {
    package let activated: Slot
    package let hiddenGradient: Slot

    package init(rows: Int, _ shape: BlockShape, _ purpose: Purpose, in plan: inout MemoryPlan) {
      activated = plan.takeSpread(rows, shape.feedForwardWidth)
      hiddenGradient = purpose.trains ? plan.takeSpread(rows, shape.hiddenWidth) : activated
    }
  }

  @_specialize(where Scalar == Double)
  package static func reference<Scalar: Real>(
    _ x: PlainMatrix<Scalar>, _ name: String, _ block: BlockConfiguration, _ parameters: PlainParameters<Scalar>
  ) -> PlainMatrix<Scalar> {
    let hidden = Linear.reference(x, name + up(block), parameters), width = block.feedForwardWidth
    let activated = hidden.columns(0..<width).map { block.activation.reference($0) }
    let factor = block.isGated ? hidden.columns(width..<2 * width) : PlainMatrix(x.rows, width) { _, _ in 1 }
    return Linear.reference(
      PlainMatrix(x.rows, width) { activated[$0, $1] * factor[$0, $1] }, name + ".down", parameters)
  }

  package func forward(_ x: Slot, into y: Slot, _ saved: Saved, _ pass: Pass) {
    let hidden = saved.hidden.first(x.rows), activated = saved.workspace.activated.first(x.rows), memory = pass.memory
    if isGated {
      up.columns(width..<2 * width).forward(x, into: factor(hidden), in: memory)  // [N, F]
      up.columns(0..<width).forward(
        x, into: gate(hidden), gate: activation, times: factor(hidden), into: activated, in: memory)  // [N, F]
    } else {
      up.forward(x, into: hidden, then: activation, into: activated, in: memory)  // [N, F]
    }
    down.forward(activated, into: y, in: memory)  // [N, C]
  }

  /// dx is set.
  package func backward(_ dy: Slot, _ x: Slot, into dx: Slot, _ saved: Saved, _ pass: Pass) {
    let hidden = saved.hidden.first(x.rows), activated = saved.workspace.activated.first(x.rows)
    let dHidden = saved.workspace.hiddenGradient.first(x.rows), memory = pass.memory
    if isGated {
      memory.gate(activated, gate(hidden), times: factor(hidden), activation)  // [N, F]
      // With a = activation(gate): dfactor = da ⊙ a, dgate = da ⊙ factor ⊙ activation'(gate).
      down.backward(
        dy, activated, into: gate(dHidden),
        then: .gateBackward(activation, at: gate(hidden), times: factor(hidden), gradient: factor(dHidden)), in: memory)
    } else {
      memory.activate(activated, hidden, activation)  // [N, F]
      down.backward(dy, activated, into: dHidden, then: .activationBackward(activation, at: hidden), in: memory)
    }
    up.backward(dHidden, x, into: dx, in: memory)
  }

  /// y += FFN(x), for the rows of a decoding step.
  func decode(_ x: Slot, addTo y: Slot, _ context: DecodingContext, in memory: Memory) {
    let hidden = context.workspace.hidden.rows(0..<x.rows)  // [R, F] or [R, 2F]
    if isGated {
      up.decode(x, into: hidden, context, in: memory)
      memory.gate(gate(hidden), gate(hidden), times: factor(hidden), activation)
    } else {
      up.decode(x, into: hidden, activation: activation, context, in: memory)
    }
    down.decode(gate(hidden), into: y, adds: true, context, in: memory)
  }

  /// The columns that go through the activation.
  private func gate(_ hidden: Slot) -> Slot { hidden.columns(0..<width) }
  /// Those that it multiplies.
  private func factor(_ hidden: Slot) -> Slot { hidden.columns(width..<2 * width) }
}

extension BlockConfiguration {
  /// Columns before the activation: F or, gated, 2F.
  var hiddenWidth: Int { isGated ? 2 * feedForwardWidth : feedForwardWidth }
}
