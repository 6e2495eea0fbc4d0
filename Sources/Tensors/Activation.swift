/// The bend between the two matrices of a feed-forward network.
public enum Activation: String, CaseIterable, Sendable {
  /// Hendrycks and Gimpel 2016 (arXiv:1606.08415), in the tanh form of GPT-2.
  case gelu
  /// Vaswani et al. 2017, §3.3, eq. (2).
  case relu
}
