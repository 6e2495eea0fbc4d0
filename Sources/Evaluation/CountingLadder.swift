internal import MiniGPTCounting
package import MiniGPTDatasets
internal import MiniGPTPlatform
internal import MiniGPTStorage

/// How far counting alone gets on the text that a model learns from: n-grams of bytes, of every order up to 7.
///
/// The rungs below a Transformer. They are counted on the training part and measured on the held-out one, over the very
/// bytes that the model's evaluation predicts.
package struct CountingLadder: Equatable, Sendable {
  package static let order = 7
  /// Larger corpora are not counted: it would take longer than people like to wait, and hundreds of megabytes.
  package static let mostBytes = 16_000_000

  /// Bits a byte of the orders 1, 2, … 7.
  package let bitsPerByte: [Double]
  /// Bytes that were predicted.
  package let bytes: Int

  /// The order that predicts best.
  package var best: (order: Int, bitsPerByte: Double) {
    let least = bitsPerByte.indices.min { bitsPerByte[$0] < bitsPerByte[$1] } ?? 0
    return (least + 1, bitsPerByte[least])
  }

  /// Counts `training` and predicts `held`, each part a text of its own.
  ///
  /// - Parameters:
  ///   - bytes: the first bytes of `held`; those behind them are left out.
  ///   - first: bytes at its beginning that are read and not predicted.
  ///   - progress: called with the bytes done; gives false to stop, and the result is nil.
  /// - Returns: nil too where there is nothing to predict.
  package static func measure(
    training: [TextCorpus.Part], held: [TextCorpus.Part], bytes: Int = .max, first: Int,
    progress: (Int) -> Bool = { _ in true }
  ) -> CountingLadder? {
    var model = NGramModel(order: order, alphabet: 256), done = 0
    for part in training {
      let file = part.file
      for start in stride(from: part.range.lowerBound, to: part.range.upperBound, by: 1 << 20) {
        let piece = start..<min(start + 1 << 20, part.range.upperBound), all = file.bytes
        guard let text = all.numbers(UInt8.self) else { fail("bytes that are not aligned for bytes") }
        model.count(text.extracting(piece))
        done += piece.count
        if !progress(done) { return nil }
      }
      model.endText()
    }
    var sums = [Double](repeating: 0, count: order), left = bytes, predicted = 0, skipped = first
    for part in held where left > 0 {
      let file = part.file, all = file.bytes
      let range = part.range.lowerBound..<part.range.lowerBound + min(left, part.range.count)
      guard let text = all.numbers(UInt8.self) else { fail("bytes that are not aligned for bytes") }
      for (index, nats) in model.nats(text.extracting(range), from: skipped).enumerated() { sums[index] += nats }
      predicted += max(0, range.count - skipped)
      skipped = 0
      left -= range.count
    }
    if predicted == 0 { return nil }
    return CountingLadder(bitsPerByte: sums.map { $0 / Double(predicted) / 0.693_147_180_559_945_3 }, bytes: predicted)
  }
}
