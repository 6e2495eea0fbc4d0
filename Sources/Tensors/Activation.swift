internal import MiniGPTCKernels

/// The bend between the two matrices of a feed-forward network.
public enum Activation: String, CaseIterable, Sendable {
  /// Hendrycks and Gimpel 2016 (arXiv:1606.08415), in the tanh form of GPT-2.
  case gelu
  /// Vaswani et al. 2017, §3.3, eq. (2).
  case relu
}

extension Kernels {
  typealias RowFunction = @convention(c) (UnsafeMutablePointer<Float>, UnsafePointer<Float>, Int) -> Void

  /// y = activation(x); y may be x.
  func forward(_ activation: Activation) -> RowFunction {
    switch activation {
    case .gelu: unsafe table.pointee.gelu
    case .relu: unsafe table.pointee.relu
    }
  }

  /// dy *= activation'(x)
  func backward(_ activation: Activation) -> RowFunction {
    switch activation {
    case .gelu: unsafe table.pointee.gelu_backward
    case .relu: unsafe table.pointee.relu_backward
    }
  }
}
