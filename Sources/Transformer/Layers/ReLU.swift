package import MiniGPTTensors

/// relu(x) = max(0, x): Vaswani et al. 2017, §3.3, eq. (2). Its slope at 0 is taken as 0.
package enum ReLU {
  package static func reference<Scalar: Real>(_ x: Scalar) -> Scalar { max(0, x) }
}

extension Activation {
  package func reference<Scalar: Real>(_ x: Scalar) -> Scalar {
    switch self {
    case .gelu: GELU.reference(x)
    case .relu: ReLU.reference(x)
    }
  }
}
