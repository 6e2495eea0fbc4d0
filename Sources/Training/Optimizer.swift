package import MiniGPTCheckpoints
package import MiniGPTTensors
package import MiniGPTTransformer

/// AdamW for all parameters, or Muon for the matrices of products and AdamW for the rest.
package struct Optimizer: Sendable {
  private let adamW: AdamW
  private let muon: Muon
  private let configuration: TrainingConfiguration

  /// Plans the state of every parameter.
  package init(_ configuration: TrainingConfiguration, _ layout: ParameterLayout, in plan: inout MemoryPlan) {
    self.configuration = configuration
    func isMuons(_ parameter: Parameter) -> Bool {
      if case .matrix = parameter.role { configuration.optimizer == .muon } else { false }
    }
    adamW = AdamW(configuration, layout.parameters.filter { !isMuons($0) }, in: &plan)
    muon = Muon(configuration, layout.parameters.filter(isMuons), in: &plan)
  }

  /// What a checkpoint keeps, in its order.
  package var state: [OptimizerTensor] { adamW.state + muon.state }

  /// Update number `step`, counted from 0, with a rate as the schedule has it, on gradients that are multiplied by
  /// `gradientScale` first.
  package func update(step: Int, rate: Double, gradientScale: Double, in memory: Memory) {
    // All rates rise and fall together.
    let c = configuration, part = c.learningRate > 0 ? rate / c.learningRate : 0
    let left = c.decaySchedule == .constant ? 1 : part
    adamW.update(
      step: step, rate: { c.rate(of: $0).map { part * $0 } ?? rate }, decay: left * c.weightDecay,
      gradientScale: gradientScale, in: memory)
    if c.optimizer == .muon {
      muon.update(
        step: step, rate: c.muonRate.map { part * $0 } ?? rate, decay: left * (c.muonDecay ?? c.weightDecay),
        gradientScale: gradientScale, in: memory)
    }
  }
}

extension TrainingConfiguration {
  /// The highest rate of a parameter that has one of its own.
  fileprivate func rate(of parameter: Parameter) -> Double? {
    switch parameter.role {
    case .table(let outputs): outputs > 0 ? outputRate : embeddingRate
    case .matrix, .gain, .bias: nil
    }
  }
}
