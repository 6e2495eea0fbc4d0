package import MiniGPTParallel
package import MiniGPTTensors
package import MiniGPTTransformer

/// One pass of a translator over one pair, as in training: the target is given, and every position says what it would
/// have said. It shows what decoding does not: the probabilities along a given translation, and where the decoder looked.
package final class TranslationPass {
  package let model: EncoderDecoder
  private let memory: Memory
  private let activations: EncoderDecoder.Activations
  private let source: PaddedPlaces
  private let input: PaddedPlaces
  /// The last pair, both sides with the `</s>` or `<pad>` that the model sees.
  private var sourceLength = 0
  private var inputLength = 0

  package init(_ model: EncoderDecoder, parameters: ParameterStorage, pool: WorkerPool, kernels: Kernels) {
    self.model = model
    let context = model.configuration.context
    // Every block keeps places of its own, as for a way back: the attention of all of them is looked at.
    activations = EncoderDecoder.Activations(
      model.configuration, sourceRows: context, targetRows: context, trains: true, logitRows: 1)
    source = PaddedPlaces(texts: 1, rows: context)
    input = PaddedPlaces(texts: 1, rows: context, from: source.end)
    memory = Memory(
      parameters: parameters, trains: false, activations: activations.count, indices: input.end,
      scratch: model.scratch, pool: pool, kernels: kernels)
    model.prepare(activations, in: memory)
  }

  /// Runs over a source and (the beginning of) a target, without their `</s>`; both must fit, `</s>` included.
  package func run(source ids: [Int32], target: [Int32]) {
    sourceLength = ids.count + 1
    inputLength = target.count + 1
    let source = write(ids + [TranslatorConfiguration.endOfSentence], source)
    let input = write([model.configuration.padding] + target, input)
    model.forward(source, input, activations, nil, in: memory)
  }

  private func write(_ ids: [Int32], _ places: PaddedPlaces) -> PaddedIDs {
    let batch = places.batch(1, length: ids.count)
    memory.setIndex(batch.lengths, 0, Int32(ids.count))
    for (place, id) in ids.enumerated() { memory.setIndex(batch.ids, place, id) }
    return batch
  }

  /// log P of every id but `<pad>`, to come behind the first `place` tokens of the target.
  package func logProbabilities(after place: Int) -> [Float] {
    let logits = activations.logits.rows(0..<1)
    model.outputProjection.forward(activations.hidden.rows(place..<place + 1), into: logits, in: memory)
    let row = memory.read(logits), most = row.max() ?? 0
    let sum = row.reduce(0.0) { $0 + Double.exp(Double($1 - most)) }
    return row.map { $0 - most - Float(Double.log(sum)) }
  }

  /// How much each position of the target, `</s>` the last, looked at each token of the source, `</s>` the last: the mean
  /// of softmax(q kᵀ / √D) over the heads of all blocks (§3.2.3). Rows sum to 1.
  package func alignment() -> PlainMatrix<Float> {
    let heads = model.configuration.heads, size = model.configuration.width / heads
    var mean = PlainMatrix<Float>(inputLength, sourceLength)
    var count: Float = 0
    for block in activations.decoder.blocks {
      guard let saved = block.crossAttention else { continue }
      for head in 0..<heads {
        let columns = head * size..<(head + 1) * size
        let queries = memory.read(saved.queries.rows(0..<inputLength).columns(columns))
        let keys = memory.read(saved.keyValues.rows(0..<sourceLength).columns(columns))
        count += 1
        for t in 0..<inputLength {
          let scores = (0..<sourceLength).map { s in
            (0..<size).reduce(Float(0)) { $0 + queries[t * size + $1] * keys[s * size + $1] } / Float(size).squareRoot()
          }
          let most = scores.max() ?? 0, weights = scores.map { Float.exp($0 - most) }, sum = weights.reduce(0, +)
          for s in 0..<sourceLength { mean[t, s] += weights[s] / sum }
        }
      }
    }
    return mean.map { $0 / count }
  }

  /// Who looked at whom, by layer and head; rows sum to 1. The encoder's words look at each other, the decoder's at
  /// those before them, and in cross-attention at the encoder's.
  package struct Attention: Sendable {
    package let encoder: [[PlainMatrix<Double>]]
    package let decoder: [[PlainMatrix<Double>]]
    package let cross: [[PlainMatrix<Double>]]
  }

  /// The weights of the last run, made by the plain reference from the model's own queries and keys.
  package func attention() -> Attention {
    let heads = model.configuration.heads, width = model.configuration.width
    func own(_ blocks: [DecoderBlock.Saved], _ length: Int, _ mask: AttentionMask) -> [[PlainMatrix<Double>]] {
      blocks.map { block in
        let rows = block.attention.projections.rows(0..<length)
        return AttentionMaps.weights(
          rows.columns(0..<width), rows.columns(width..<2 * width), heads: heads, mask: mask, in: memory)
      }
    }
    let cross = activations.decoder.blocks.compactMap(\.crossAttention).map { saved in
      AttentionMaps.weights(
        saved.queries.rows(0..<inputLength), saved.keyValues.rows(0..<sourceLength).columns(0..<width), heads: heads,
        mask: .full, in: memory)
    }
    return Attention(
      encoder: own(activations.encoder.blocks, sourceLength, .full),
      decoder: own(activations.decoder.blocks, inputLength, .causal), cross: cross)
  }
}
