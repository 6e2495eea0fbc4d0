package import MiniGPTTensors

/// How a model knows where a token stands.
public enum Positions: String, CaseIterable, Sendable {
  /// A trained table, as in GPT-2.
  case learned
  /// The sines and cosines of the paper.
  case sinusoidal
  /// Not at all: a bag of words, as far as the mask allows.
  case none

  /// Whether the table of sines and cosines is added.
  package var haveFixedTable: Bool {
    switch self {
    case .sinusoidal: true
    case .learned, .none: false
    }
  }
}

/// PE(p, 2i) = sin(p / 10000^(2i/C)), PE(p, 2i+1) = cos(the same): Vaswani et al. 2017, §3.5.
///
/// The dot product PE(p) · PE(p + k) depends on k alone. Wavelengths run from 2π to 10000·2π.
package enum PositionalEncoding {
  /// The table `[rows, width]`, times `scale`.
  package static func table<Scalar: Real>(rows: Int, width: Int, scale: Scalar = 1) -> PlainMatrix<Scalar> {
    PlainMatrix(rows, width) { position, channel in
      let pair = channel / 2 * 2
      let angle = Double(position) / Double.pow(10000, Double(pair) / Double(width))
      return scale * Scalar(channel % 2 == 0 ? Double.sin(angle) : Double.cos(angle))
    }
  }

  /// A GPT's embeddings are small, N(0, 0.02): with this factor the table neither drowns them nor is drowned, since its
  /// mean square is then 0.02².
  package static func gptScale<Scalar: Real>() -> Scalar { Scalar(0.02) * Scalar(2).squareRoot() }
}
