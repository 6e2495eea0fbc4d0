package import MiniGPTCheckpoints
package import MiniGPTTensors
package import MiniGPTTransformer

/// Momentum, orthogonalized: Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks", with the scale
/// of Liu et al. 2025 (arXiv:2502.16982), §2.2, eq. (4).
///
/// For each matrix W `[m, n]`, and for the matrices of each head by themselves:
/// M = μ M + (1 - μ) G, U = μ M + (1 - μ) G, O ≈ U (Uᵀ U)^(-1/2), W = W - η λ W - η · 0.2 √max(m, n) · O.
/// All singular values of O are near 1, so a step is as long as one of AdamW, and takes its λ. O comes from iterations of
/// X = a X + b (X Xᵀ) X + c (X Xᵀ)² X on U / ‖U‖; X Xᵀ and its square are symmetric, and half of each is computed:
/// 3 m² n + m³ operations an iteration, m ≤ n.
package struct Muon: Sendable {
  private let momentum: (start: Double, end: Double, updates: Int)
  private let isCautious: Bool
  private let margin: Float
  private let polynomials: [OddPolynomial]
  private let momenta: [OptimizerTensor]
  private let matrices: [MuonMatrix]

  /// Plans the momentum of every matrix.
  package init(_ configuration: TrainingConfiguration, _ parameters: [Parameter], in plan: inout MemoryPlan) {
    momentum = (configuration.muonMomentumStart, configuration.muonMomentum, configuration.muonMomentumWarmup)
    isCautious = configuration.isCautious
    margin = configuration.muonSeries.margin
    polynomials = configuration.muonSeries.polynomials(configuration.muonIterations)
    momenta = parameters.map { OptimizerTensor("momentum", of: $0, in: &plan) }
    matrices = momenta.flatMap(\.matrices)
    plan.needScratch(Memory.muonScratch(matrices))
  }

  /// What a checkpoint keeps, in its order.
  package var state: [OptimizerTensor] { momenta }

  /// μ of update number `step`, counted from 0.
  package func momentum(at step: Int) -> Double {
    if step >= momentum.updates { return momentum.end }
    return momentum.start + (momentum.end - momentum.start) * Double(step) / Double(momentum.updates)
  }

  /// Update number `step`, counted from 0, on gradients that are multiplied by `gradientScale` first.
  package func update(step: Int, rate: Double, decay: Double, gradientScale: Double, in memory: Memory) {
    memory.muon(
      matrices,
      MuonStep(
        momentum: Float(momentum(at: step)), gradientScale: Float(gradientScale), rate: Float(rate),
        decay: Float(rate * decay), isCautious: isCautious, margin: margin, polynomials: polynomials))
  }
}

extension OptimizerTensor {
  /// The matrices that lie side by side in the parameter, with what belongs to each.
  fileprivate var matrices: [MuonMatrix] {
    guard case .matrix(let parts) = parameter.role else { return [] }
    let columns = parameter.slot.columns / parts
    return (0..<parts).map { part in
      let range = part * columns..<(part + 1) * columns
      return MuonMatrix(weight: parameter.slot.columns(range), momentum: slot.columns(range))
    }
  }
}

extension OrthogonalSeries {
  fileprivate var margin: Float { self == .fixed ? 1 : 1.01 }

  fileprivate func polynomials(_ iterations: Int) -> [OddPolynomial] {
    switch self {
    case .fixed: Array(repeating: Self.jordan, count: iterations)
    case .polar: (0..<iterations).map { Self.polarExpress[min($0, Self.polarExpress.count - 1)] }
    }
  }

  private static let jordan = OddPolynomial(3.4445, -4.7750, 2.0315)

  /// Amsel et al. 2025 (arXiv:2505.16932): the best for singular values of at least 10⁻³, iteration by iteration.
  private static let polarExpress = [
    OddPolynomial(8.156_554_5, -22.483_293, 15.878_769_9),
    OddPolynomial(4.042_929_9, -2.808_917_5, 0.500_017_85),
    OddPolynomial(3.891_667_8, -2.772_484_2, 0.506_064_8),
    OddPolynomial(3.285_753_7, -2.368_129_5, 0.464_490_24),
    OddPolynomial(2.346_541_3, -1.709_782_8, 0.423_235_52),
  ]
}
