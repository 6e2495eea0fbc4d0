package import MiniGPTTensors

/// FFN(x) = activation(x W₁ + b₁) W₂ + b₂, each position for itself: Vaswani et al. 2017, §3.3, eq. (2).
///
/// x, y `[N, C]`, hidden `[N, F]`; 4·N·C·F operations. Keeps the hidden rows before the activation, `[N, F]`; after it
/// they are recomputed in the backward pass.
package struct FeedForward: Sendable {
  package let up: Linear
  package let down: Linear
  package let activation: Activation

  package init(_ name: String, _ shape: BlockShape, in layout: inout ParameterLayout) {
    up = Linear(name + ".up", shape.width, shape.feedForwardWidth, start: shape.start, in: &layout)
    down = Linear(name + ".down", shape.feedForwardWidth, shape.width, start: shape.residualStart, in: &layout)
    activation = shape.activation
  }

  /// What forward keeps, and the temporary memory of all blocks.
  package struct Saved: Sendable {
    /// `[N, F]`, before the activation.
    package let hidden: Slot
    package let workspace: Workspace

    /// For at most `rows` = N rows.
    package init(rows: Int, _ shape: BlockShape, _ workspace: Workspace, in plan: inout MemoryPlan) {
      hidden = plan.take(rows, shape.feedForwardWidth)
      self.workspace = workspace
    }
  }

  /// `[N, F]` each.
  package struct Workspace: Sendable {
    package let activated: Slot
    package let hiddenGradient: Slot

    package init(rows: Int, _ shape: BlockShape, _ purpose: Purpose, in plan: inout MemoryPlan) {
      activated = plan.take(rows, shape.feedForwardWidth)
      hiddenGradient = purpose.trains ? plan.take(rows, shape.feedForwardWidth) : activated
    }
  }

  @_specialize(where Scalar == Double)
  package static func reference<Scalar: Real>(
    _ x: PlainMatrix<Scalar>, _ name: String, _ block: BlockConfiguration, _ parameters: PlainParameters<Scalar>
  ) -> PlainMatrix<Scalar> {
    let hidden = Linear.reference(x, name + ".up", parameters).map { block.activation.reference($0) }
    return Linear.reference(hidden, name + ".down", parameters)
  }

  package func forward(_ x: Slot, into y: Slot, _ saved: Saved, _ pass: Pass) {
    let hidden = saved.hidden.first(x.rows), activated = saved.workspace.activated.first(x.rows)
    up.forward(x, into: hidden, then: activation, into: activated, in: pass.memory)  // [N, F]
    down.forward(activated, into: y, in: pass.memory)  // [N, C]
  }

  /// dx is set.
  package func backward(_ dy: Slot, _ x: Slot, into dx: Slot, _ saved: Saved, _ pass: Pass) {
    let hidden = saved.hidden.first(x.rows), activated = saved.workspace.activated.first(x.rows)
    let dHidden = saved.workspace.hiddenGradient.first(x.rows), memory = pass.memory
    memory.activate(activated, hidden, activation)  // [N, F]
    down.backward(dy, activated, into: dHidden, then: .activationBackward(activation, at: hidden), in: memory)
    up.backward(dHidden, x, into: dx, in: memory)
  }

  /// y += FFN(x), for the rows of a decoding step.
  func decode(_ x: Slot, addTo y: Slot, _ context: DecodingContext, in memory: Memory) {
    let hidden = context.workspace.hidden.rows(0..<x.rows)  // [R, F]
    up.decode(x, into: hidden, activation: activation, context, in: memory)
    down.decode(hidden, into: y, adds: true, context, in: memory)
  }
}
