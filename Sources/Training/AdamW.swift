package import MiniGPTCheckpoints
package import MiniGPTTensors
package import MiniGPTTransformer

/// Loshchilov and Hutter 2019 (arXiv:1711.05101), algorithm 2; Kingma and Ba 2015.
///
/// m = β₁ m + (1 - β₁) g, v = β₂ v + (1 - β₂) g², w = w - lr λ w - lr · (m / (1 - β₁ᵗ)) / (√(v / (1 - β₂ᵗ)) + ε);
/// ε = 10⁻⁸; λ falls on matrices and tables only.
package struct AdamW: Sendable {
  private let beta1: Double
  private let beta2: Double
  private let weightDecay: Double
  private let layout: ParameterLayout
  /// m and v.
  private let first: ParameterState
  private let second: ParameterState

  /// Plans both moments of every parameter.
  package init(_ configuration: TrainingConfiguration, _ layout: ParameterLayout, in plan: inout MemoryPlan) {
    beta1 = configuration.beta1
    beta2 = configuration.beta2
    weightDecay = configuration.weightDecay
    self.layout = layout
    first = plan.takeState(of: layout.count)
    second = plan.takeState(of: layout.count)
  }

  /// What a checkpoint keeps, in its order.
  package var state: [OptimizerTensor] {
    OptimizerTensor.all(of: layout, "m", first) + OptimizerTensor.all(of: layout, "v", second)
  }

  /// Update number `step`, counted from 0, on gradients that are multiplied by `gradientScale` first.
  package func update(step: Int, rate: Double, gradientScale: Double, in memory: Memory) {
    let count = Double(step + 1)
    var numbers = AdamWStep(
      beta1: Float(beta1), beta2: Float(beta2), rate: Float(rate / (1 - Double.pow(beta1, count))),
      rootScale: Float(1 / (1 - Double.pow(beta2, count)).squareRoot()), epsilon: 1e-8, shrink: 1,
      gradientScale: Float(gradientScale))
    for index in layout.parameters.indices {
      let slot = layout.parameters[index].slot
      numbers.shrink = layout.parameters[index].decays ? Float(1 - rate * weightDecay) : 1
      memory.adamw(slot, first: first.slot(of: slot), second: second.slot(of: slot), numbers)
    }
  }
}

/// Clipping by global norm: Pascanu, Mikolov, Bengio 2013 (arXiv:1211.5063), algorithm 1.
package enum GradientClipping {
  /// What gradients of length `norm` are multiplied by, so that they are at most `limit` long; 0 is no limit.
  package static func scale(norm: Double, limit: Double) -> Double {
    limit > 0 && norm > limit ? limit / (norm + 1e-6) : 1
  }
}
