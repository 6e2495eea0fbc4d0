package import MiniGPTTensors

/// y = x W + b.
///
/// x `[N, I]`, W `[I, O]`, b `[O]`, y `[N, O]`; 2·N·I·O operations, twice that in the backward pass. Keeps nothing: callers
/// of `backward` have x.
package struct Linear: Sendable {
  package let weight: Slot
  package let bias: Slot

  package init(_ name: String, _ inputs: Int, _ outputs: Int, start: Parameter.Start, in layout: inout ParameterLayout)
  {
    weight = layout.matrix(name + ".weight", inputs, outputs, start: start)
    bias = layout.bias(name + ".bias", outputs)
  }

  private init(weight: Slot, bias: Slot) {
    self.weight = weight
    self.bias = bias
  }

  /// The part of the layer that makes some of the outputs.
  package func columns(_ range: Range<Int>) -> Linear {
    Linear(weight: weight.columns(range), bias: bias.columns(range))
  }

  @_specialize(where Scalar == Double)
  package static func reference<Scalar: Real>(
    _ x: PlainMatrix<Scalar>, _ name: String, _ parameters: PlainParameters<Scalar>
  ) -> PlainMatrix<Scalar> {
    (x * parameters.matrix(name + ".weight")).adding(row: parameters.row(name + ".bias"))
  }

  package func forward(_ x: Slot, into y: Slot, in memory: Memory) {
    memory.product(y, x.plain, weight.plain, then: .bias(bias))  // [N, O]
  }

  /// y = x W + b, and activation(y) beside it, made while y is at hand.
  package func forward(_ x: Slot, into y: Slot, then activation: Activation, into activated: Slot, in memory: Memory) {
    memory.product(y, x.plain, weight.plain, then: .biasThenActivation(bias, activation, into: activated))  // [N, O]
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
    memory.addColumnSums(bias.at(.gradients), dy)
    memory.product(weight.at(.gradients), x.transposed, dy.plain, accumulate: true)  // [I, O]
  }
}
