package import MiniGPTTensors

/// gelu(x) = x/2 · (1 + tanh(√(2/π) (x + 0.044715 x³))): Hendrycks and Gimpel 2016 (arXiv:1606.08415), §2, the form of
/// GPT-2. The kernels compute it as x / (1 + exp(-2u)), which is the same and keeps its digits.
package enum GELU {
  package static func reference<Scalar: Real>(_ x: Scalar) -> Scalar {
    let u = (2 / Scalar.pi).squareRoot() * (x + Scalar(0.044715) * x * x * x)
    return x / 2 * (1 + Scalar.tanh(u))
  }
}
