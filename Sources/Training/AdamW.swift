package import MiniGPTCheckpoints
package import MiniGPTTensors
package import MiniGPTTransformer

/// Loshchilov and Hutter 2019 (arXiv:1711.05101), algorithm 2; Kingma and Ba 2015.
///
/// m = β₁ m + (1 - β₁) g, v = β₂ v + (1 - β₂) g², w = w - lr λ w - lr · (m / (1 - β₁ᵗ)) / (√(v / (1 - β₂ᵗ)) + ε);
/// λ falls on matrices and tables only, and, if it is cautious, on elements with m w ≥ 0 only (Chen et al. 2025,
/// arXiv:2510.12402).
package struct AdamW: Sendable {
  private let beta1: Double
  private let beta2: Double
  private let epsilon: Double
  private let isCautious: Bool
  /// m and v.
  private let first: [OptimizerTensor]
  private let second: [OptimizerTensor]

  /// Plans both moments of every parameter.
  package init(_ configuration: TrainingConfiguration, _ parameters: [Parameter], in plan: inout MemoryPlan) {
    beta1 = configuration.beta1
    beta2 = configuration.beta2
    epsilon = configuration.epsilon
    isCautious = configuration.isCautious
    first = parameters.map { OptimizerTensor("m", of: $0, in: &plan) }
    second = parameters.map { OptimizerTensor("v", of: $0, in: &plan) }
  }

  /// What a checkpoint keeps, in its order.
  package var state: [OptimizerTensor] { first + second }

  /// Update number `step`, counted from 0, on gradients that are multiplied by `gradientScale` first.
  ///
  /// - Parameters:
  ///   - rate: of a parameter.
  ///   - decay: λ.
  package func update(
    step: Int, rate: (Parameter) -> Double, decay: Double, gradientScale: Double, in memory: Memory
  ) {
    let count = Double(step + 1)
    var numbers = AdamWStep(
      beta1: Float(beta1), beta2: Float(beta2), rate: 0,
      rootScale: Float(1 / (1 - Double.pow(beta2, count)).squareRoot()), epsilon: Float(epsilon), shrink: 1,
      gradientScale: Float(gradientScale))
    numbers.isCautious = isCautious
    for index in first.indices {
      let parameter = first[index].parameter, rate = rate(parameter)
      numbers.rate = Float(rate / (1 - Double.pow(beta1, count)))
      numbers.shrink = parameter.decays ? Float(1 - rate * decay) : 1
      memory.adamw(parameter.slot, first: first[index].slot, second: second[index].slot, numbers)
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
