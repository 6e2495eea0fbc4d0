internal import MiniGPTGeneration
package import MiniGPTTensors
package import MiniGPTTransformer

/// The tokens whose embeddings point the way another one's does: cos(a, b) = a·b / (‖a‖ ‖b‖).
package enum NearestTokens {
  package struct Neighbour: Equatable, Sendable {
    package let id: Int32
    /// The cosine, 1 to -1.
    package let cosine: Double

    package init(id: Int32, cosine: Double) {
      self.id = id
      self.cosine = cosine
    }
  }

  /// The `count` nearest to `id`, the nearest first, itself left out; of equal ones the lower id.
  ///
  /// - Parameters:
  ///   - model: its table of embeddings, `[V, C]`, is walked once, some rows at a time.
  package static func of(_ id: Int32, count: Int, _ model: GPT, in memory: Memory) -> [Neighbour] {
    let table = model.decoder.embedding.table, width = table.columns
    let own = memory.read(table.rows(Int(id)..<Int(id) + 1)).map(Double.init)
    let length = own.reduce(0) { $0 + $1 * $1 }
    var cosines: [Float] = []
    cosines.reserveCapacity(table.rows)
    for start in stride(from: 0, to: table.rows, by: 256) {
      let rows = memory.read(table.rows(start..<min(start + 256, table.rows)))
      for first in stride(from: 0, to: rows.count, by: width) {
        var product = 0.0, square = 0.0
        for channel in 0..<width {
          let value = Double(rows[first + channel])
          product += value * own[channel]
          square += value * value
        }
        let norm = (square * length).squareRoot()
        cosines.append(norm > 0 ? Float(product / norm) : 0)
      }
    }
    // Nothing is its own neighbour.
    cosines[Int(id)] = -.infinity
    var candidates = Candidates()
    candidates.takeLikeliest(max(0, min(count, table.rows - 1)), cosines)
    return candidates.ids.map { Neighbour(id: $0, cosine: Double(cosines[Int($0)])) }
  }
}
