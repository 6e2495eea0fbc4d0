internal import MiniGPTStorage
package import MiniGPTTensors

/// How a model knows where a token stands.
public enum Positions: String, CaseIterable, Sendable {
  /// A trained table, as in GPT-2.
  case learned
  /// The sines and cosines of the paper.
  case sinusoidal
  /// Angles that queries and keys are turned by: Su et al. 2021.
  case rotary
  /// Not at all: a bag of words, as far as the mask allows.
  case none

  /// What is added to the embeddings, where anything is.
  package enum Table: Sendable { case learned, fixed }

  /// The table that is added to the embeddings; nil where positions show elsewhere, or nowhere.
  package var table: Table? {
    switch self {
    case .learned: .learned
    case .sinusoidal: .fixed
    case .rotary, .none: nil
    }
  }

  /// What a shape lacks for such positions, in words that call its width `name`; nil where it lacks nothing.
  package func problem(width: Int, headWidth: Int, name: String = "width") -> String? {
    switch self {
    case .sinusoidal: width % 2 == 0 ? nil : "sinusoidal positions need an even \(name), not \(grouped(width))"
    case .rotary: headWidth % 2 == 0 ? nil : "rotary positions need heads of an even width, not \(grouped(headWidth))"
    case .learned, .none: nil
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
