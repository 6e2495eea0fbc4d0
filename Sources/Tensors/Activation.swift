internal import MiniGPTCKernels

/// The bend between the two matrices of a feed-forward network.
public enum Activation: String, CaseIterable, Sendable {
  /// Hendrycks and Gimpel 2016 (arXiv:1606.08415), in the tanh form of GPT-2.
  case gelu
  /// Vaswani et al. 2017, §3.3, eq. (2).
  case relu
  /// max(x, 0)²: So et al. 2021 (arXiv:2109.08668).
  case relu2
  /// x / (1 + exp(-x)): Elfwing et al. 2017 (arXiv:1702.03118); called Swish by Ramachandran et al. 2017.
  case silu
}

extension Kernels {
  /// The functions of an activation.
  func functions(_ activation: Activation) -> minigpt_activation {
    switch activation {
    case .gelu: unsafe table.pointee.gelu
    case .relu: unsafe table.pointee.relu
    case .relu2: unsafe table.pointee.relu2
    case .silu: unsafe table.pointee.silu
    }
  }
}
