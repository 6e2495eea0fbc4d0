package import MiniGPTTensors

/// Rotary positions: queries and keys are turned by angles that grow with their place, so that q · k depends on how far
/// apart they stand: Su et al. 2021 (arXiv:2104.09864), §3.2.2, eq. (14) to (16).
///
/// A head's channel i < D/2 and channel i + D/2 are one pair, which place p turns by p · base^(-2i/D): the halves of Llama
/// in transformers (the paper, and GGUF's `llama`, pair neighbours; that is another order of the same channels). Turning
/// adds no parameters, and its backward pass turns back. q `[B·T, H·D]`, k `[B·T, G·D]`: 3·B·T·(H + G)·D operations each
/// way.
package enum RotaryEmbedding {
  /// By what place p turns its pairs: row p holds D/2 cosines, then as many sines.
  package static func table<Scalar: Real>(rows: Int, _ block: BlockConfiguration) -> PlainMatrix<Scalar> {
    let width = block.attention.headWidth, half = width / 2
    let frequencies = (0..<half).map {
      block.rotaryScaling.scaled(Double.pow(block.rotaryBase, -2 * Double($0) / Double(width)))
    }
    return PlainMatrix(rows, width) { place, channel in
      let angle = Double(place) * frequencies[channel % half]
      return Scalar(channel < half ? Double.cos(angle) : Double.sin(angle))
    }
  }

  /// Each head of x `[T, heads · D]`, texts of `length` rows: (a, b) becomes (a cos - b sin, b cos + a sin).
  package static func reference<Scalar: Real>(
    _ x: PlainMatrix<Scalar>, length: Int, _ block: BlockConfiguration
  ) -> PlainMatrix<Scalar> {
    let width = block.attention.headWidth, half = width / 2
    let table: PlainMatrix<Scalar> = table(rows: length, block)
    return PlainMatrix(x.rows, x.columns) { row, column in
      let place = row % length, channel = column % width, i = channel % half
      let cos = table[place, i], sin = table[place, half + i]
      return channel < half
        ? x[row, column] * cos - x[row, column + half] * sin : x[row, column] * cos + x[row, column - half] * sin
    }
  }
}
