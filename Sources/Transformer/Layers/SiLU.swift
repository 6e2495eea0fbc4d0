package import MiniGPTTensors

/// silu(x) = x σ(x) = x / (1 + exp(-x)): Elfwing et al. 2017 (arXiv:1702.03118), eq. (8); "Swish" with β = 1 in
/// Ramachandran et al. 2017 (arXiv:1710.05941). Its slope is σ(x) (1 + x (1 - σ(x))).
package enum SiLU {
  package static func reference<Scalar: Real>(_ x: Scalar) -> Scalar { x / (1 + Scalar.exp(-x)) }
}
