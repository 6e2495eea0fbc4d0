package import MiniGPTTensors

/// What the norms of a model are.
public enum NormKind: String, CaseIterable, Sendable {
  /// Ba, Kiros, Hinton 2016: GPT-2 and the paper.
  case layer
  /// Zhang and Sennrich 2019: Llama, Qwen.
  case rms

  /// Numbers that forward keeps of a row.
  package var statistics: Int {
    switch self {
    case .layer: 2
    case .rms: 1
    }
  }
}

/// A norm of rows of one of the two kinds.
package enum Norm: Sendable {
  case layer(LayerNorm)
  case rms(RMSNorm)

  package init(_ name: String, _ block: BlockConfiguration, in layout: inout ParameterLayout) {
    switch block.normKind {
    case .layer: self = .layer(LayerNorm(name, block, in: &layout))
    case .rms: self = .rms(RMSNorm(name, block, in: &layout))
    }
  }

  /// γ, which both have.
  package var gain: Slot {
    switch self {
    case .layer(let norm): norm.gain
    case .rms(let norm): norm.gain
    }
  }

  package static func reference<Scalar: Real>(
    _ x: PlainMatrix<Scalar>, _ name: String, _ block: BlockConfiguration, _ parameters: PlainParameters<Scalar>
  ) -> PlainMatrix<Scalar> {
    switch block.normKind {
    case .layer: LayerNorm.reference(x, name, epsilon: block.normEpsilon, parameters)
    case .rms: RMSNorm.reference(x, gain: parameters.row(name + ".gain"), epsilon: block.normEpsilon)
    }
  }

  package func forward(_ x: Slot, into y: Slot, statistics: Slot, in memory: Memory) {
    switch self {
    case .layer(let norm): norm.forward(x, into: y, statistics: statistics, in: memory)
    case .rms(let norm): norm.forward(x, into: y, statistics: statistics, in: memory)
    }
  }

  package func recompute(_ x: Slot, into y: Slot, statistics: Slot, in memory: Memory) {
    switch self {
    case .layer(let norm): norm.recompute(x, into: y, statistics: statistics, in: memory)
    case .rms(let norm): norm.recompute(x, into: y, statistics: statistics, in: memory)
    }
  }

  /// dx +=
  package func backward(_ dy: Slot, _ x: Slot, addTo dx: Slot, statistics: Slot, in memory: Memory) {
    switch self {
    case .layer(let norm): norm.backward(dy, x, addTo: dx, statistics: statistics, in: memory)
    case .rms(let norm): norm.backward(dy, x, addTo: dx, statistics: statistics, in: memory)
    }
  }
}
