package import MiniGPTTensors

/// y = x W + b, or x W.
///
/// x `[N, I]`, W `[I, O]`, b `[O]`, y `[N, O]`; 2·N·I·O operations, twice that in the backward pass. Keeps nothing: callers
/// of `backward` have x.
package struct Linear: Sendable {
  package let weight: Slot
  package let bias: Slot?

  package init(
    _ name: String, _ inputs: Int, _ outputs: Int, parts: Int = 1, start: Parameter.Start, hasBias: Bool = true,
    in layout: inout ParameterLayout
  ) {
    weight = layout.matrix(name + ".weight", inputs, outputs, parts: parts, start: start)
    bias = hasBias ? layout.bias(name + ".bias", outputs) : nil
  }

  private init(weight: Slot, bias: Slot?) {
    self.weight = weight
    self.bias = bias
  }

  /// The part of the layer that makes some of the outputs.
  package func columns(_ range: Range<Int>) -> Linear {
    Linear(weight: weight.columns(range), bias: bias?.columns(range))
  }

  @_specialize(where Scalar == Double)
  package static func reference<Scalar: Real>(
    _ x: PlainMatrix<Scalar>, _ name: String, _ parameters: PlainParameters<Scalar>
  ) -> PlainMatrix<Scalar> {
    let product = x * parameters.matrix(name + ".weight"), bias = parameters.row(name + ".bias")
    return bias.isEmpty ? product : product.adding(row: bias)
  }

  package func forward(_ x: Slot, into y: Slot, in memory: Memory) {
    memory.product(y, x.plain, weight.plain, then: bias.map { .bias($0) } ?? .none)  // [N, O]
  }

  /// y = x W + b, and activation(y) beside it, made while y is at hand.
  package func forward(_ x: Slot, into y: Slot, then activation: Activation, into activated: Slot, in memory: Memory) {
    memory.product(y, x.plain, weight.plain, then: .activation(activation, bias: bias, into: activated))  // [N, O]
  }

  /// y = x W + b, and activation(y) ⊙ factor beside it.
  package func forward(
    _ x: Slot, into y: Slot, gate activation: Activation, times factor: Slot, into gated: Slot, in memory: Memory
  ) {
    memory.product(
      y, x.plain, weight.plain, then: .gate(activation, bias: bias, times: factor, into: gated))  // [N, O]
  }

  /// dx = dy Wᵀ, dW += xᵀ dy, db += Σ dy. `then` rides on dx.
  package func backward(_ dy: Slot, _ x: Slot, into dx: Slot, then epilogue: Epilogue = .none, in memory: Memory) {
    parametersBackward(dy, x, in: memory)
    memory.product(dx, dy.plain, weight.transposed, then: epilogue)  // [N, I]
  }

  /// The same for an x that others use as well: dx += dy Wᵀ.
  package func backward(_ dy: Slot, _ x: Slot, addTo dx: Slot, in memory: Memory) {
    parametersBackward(dy, x, in: memory)
    memory.product(dx, dy.plain, weight.transposed, accumulate: true)  // [N, I]
  }

  private func parametersBackward(_ dy: Slot, _ x: Slot, in memory: Memory) {
    if let bias { memory.addColumnSums(bias.at(.gradients), dy) }
    memory.product(weight.at(.gradients), x.transposed, dy.plain, accumulate: true)  // [I, O]
  }
}
