package import MiniGPTTensors
package import MiniGPTTransformer

/// The gradient of a batch, found in chunks of samples, one after another in the same memory.
///
/// Chunks keep what a layer leaves for the next one in the processor's last cache, and the memory small: what is kept
/// for the way back grows with the chunk, not with the batch. Their size is a function of batch and length alone, and
/// gradients are added in the order of the samples, so the bits are the same for any number of threads.
package struct BatchGradient: Sendable {
  package let model: GPT
  /// Samples of the whole batch.
  package let batch: Int
  /// The places of a whole chunk; evaluation uses them too.
  package let activations: GPT.Activations
  /// Those of the last chunk, where it is smaller.
  private let last: GPT.Activations?

  /// Positions of a chunk, at most, unless one sample has more: at width 384 what a layer hands on takes 6 MB.
  package static let mostPositions = 4096

  /// - Parameter recomputes: whether the way back computes each block again; it changes no bit.
  package init(_ model: GPT, batch: Int, recomputes: Bool = false) {
    let shape = model.configuration
    self.model = model
    self.batch = batch
    let chunks = Self.chunks(batch: batch, length: shape.context)
    let size = (batch + chunks - 1) / chunks, logitRows = LanguageModelLoss.rows(vocabulary: shape.vocabularySize)
    activations = GPT.Activations(
      shape, batch: size, length: shape.context, trains: true, recomputes: recomputes, logitRows: logitRows)
    last =
      batch % size == 0
      ? nil
      : GPT.Activations(
        shape, batch: batch % size, length: shape.context, trains: true, recomputes: recomputes,
        logitRows: logitRows, sharingTableOf: activations)
  }

  /// Equal chunks, but for the last.
  package static func chunks(batch: Int, length: Int) -> Int {
    let most = max(1, mostPositions / max(1, length))
    return (batch + most - 1) / most
  }

  /// Adds the gradient of `scale` times the sum of all losses; gives that sum, unscaled.
  ///
  /// - Parameters:
  ///   - smoothing: of the targets.
  ///   - dropout: what is dropped in a chunk that begins with that sample.
  ///   - fill: writes ids and targets of the samples from the given one on.
  package func add(
    scale: Float, smoothing: Float = 0, dropout: (_ firstSample: Int) -> DropoutContext?, in memory: Memory,
    fill: (_ ids: IndexSlot, _ targets: IndexSlot, _ firstSample: Int) -> Void
  ) -> Double {
    var total = 0.0
    for first in stride(from: 0, to: batch, by: activations.batch) {
      let places = last.map { batch - first < activations.batch ? $0 : activations } ?? activations
      fill(places.ids, places.targets, first)
      let context = dropout(first)
      model.forward(places, context, in: memory)
      LanguageModelLoss.forwardAndBackward(model, places, scale: scale, smoothing: smoothing, in: memory)
      model.backward(places, context, in: memory)
      total += memory.sum(places.losses)
    }
    return total
  }
}
