package import MiniGPTTensors

/// FFN(x) = activation(x W₁ + b₁) W₂ + b₂, each position for itself: Vaswani et al. 2017, §3.3, eq. (2).
///
/// x, y `[N, C]`, hidden `[N, F]`; 4·N·C·F operations. Keeps the hidden rows before the bend, `[N, F]`; after it they
/// are made again on the way back.
package struct FeedForward: Sendable {
  package let up: Linear
  package let down: Linear
  package let activation: Activation

  package init(_ name: String, _ shape: BlockShape, in layout: inout ParameterLayout) {
    up = Linear(name + ".up", shape.width, shape.feedForwardWidth, start: shape.start, in: &layout)
    down = Linear(name + ".down", shape.feedForwardWidth, shape.width, start: shape.residualStart, in: &layout)
    activation = shape.activation
  }

  @_specialize(where Scalar == Double)
  package static func reference<Scalar: Real>(
    _ x: PlainMatrix<Scalar>, _ name: String, _ activation: Activation, _ parameters: PlainParameters<Scalar>
  ) -> PlainMatrix<Scalar> {
    let hidden = Linear.reference(x, name + ".up", parameters).map { activation.reference($0) }
    return Linear.reference(hidden, name + ".down", parameters)
  }

  /// `hidden` keeps what comes before the bend, `activated` is used on the way; both `[N, F]`.
  package func forward(_ x: Slot, into y: Slot, hidden: Slot, activated: Slot, in memory: Memory) {
    up.forward(x, into: hidden, then: activation, into: activated, in: memory)  // [N, F]
    down.forward(activated, into: y, in: memory)  // [N, C]
  }

  /// dx is set; `activated` and `dHidden` `[N, F]` are used on the way.
  package func backward(
    _ dy: Slot, _ x: Slot, into dx: Slot, hidden: Slot, activated: Slot, dHidden: Slot, in memory: Memory
  ) {
    memory.activate(activated, hidden, activation)
    down.backward(dy, activated, into: dHidden, then: .activationBackward(activation, at: hidden), in: memory)
    up.backward(dHidden, x, into: dx, in: memory)
  }
}
