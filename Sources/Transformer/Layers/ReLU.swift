package import MiniGPTTensors

/// relu(x) = max(0, x): Vaswani et al. 2017, §3.3, eq. (2). Its slope at 0 is taken as 0.
package enum ReLU {
  package static func reference<Scalar: Real>(_ x: Scalar) -> Scalar { max(0, x) }

  /// max(0, x)²: So et al. 2021 (arXiv:2109.08668), §3, "squared ReLU". Its slope is 2 max(0, x).
  package static func squaredReference<Scalar: Real>(_ x: Scalar) -> Scalar { max(0, x) * max(0, x) }
}

extension Activation {
  package func reference<Scalar: Real>(_ x: Scalar) -> Scalar {
    switch self {
    case .gelu: GELU.reference(x)
    case .relu: ReLU.reference(x)
    case .relu2: ReLU.squaredReference(x)
    case .silu: SiLU.reference(x)
    }
  }
}
