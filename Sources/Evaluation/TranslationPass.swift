package import MiniGPTTensors
package import MiniGPTTransformer

/// One pass of a translator over one pair, as in training: the target is given, and every position says what it would
/// have said. It shows what decoding does not: the probabilities along a given translation, and where the decoder looked.
package final class TranslationPass {
  package let model: EncoderDecoder
  private let memory: Memory
  private let activations: EncoderDecoder.Activations
  private let places: SentenceBatch.Places
  /// The last pair, both sides with the `</s>` or `<pad>` that the model sees.
  private var sourceLength = 0
  private var inputLength = 0

  package init(_ model: EncoderDecoder, parameters: ParameterStorage, on processor: Processor) {
    self.model = model
    let context = model.configuration.context
    let capacity = SentenceBatch.Capacity(pairs: 1, sourceRows: context, targetRows: context)
    var plan = MemoryPlan()
    // Every block keeps places of its own, as for a backward pass: the attention of all of them is looked at.
    activations = model.plan(capacity, .training, logitRows: 1, in: &plan)
    places = SentenceBatch.plan(capacity, in: &plan)
    memory = Memory(plan, parameters, on: processor)
    model.prepare(activations, in: memory)
  }

  /// Runs over a source and (the beginning of) a target, without their `</s>`; both must fit, `</s>` included.
  package func run(source ids: [Int32], target: [Int32]) {
    let padding = model.configuration.padding
    sourceLength = ids.count + 1
    inputLength = target.count + 1
    let batch = places.batch(1, sourceLength: sourceLength, targetLength: inputLength)
    batch.source.set(0, ids + [TranslatorConfiguration.endOfSentence], padding: padding, in: memory)
    batch.input.set(0, [padding] + target, padding: padding, in: memory)
    model.forward(batch, activations, dropout: nil, in: memory)
  }

  /// log P of every id but `<pad>`, to come behind the first `place` tokens of the target.
  package func logProbabilities(after place: Int) -> [Float] {
    let logits = activations.loss.logits.first(1)
    model.outputProjection.forward(activations.hidden.rows(place..<place + 1), into: logits, in: memory)
    let row = memory.read(logits), most = row.max() ?? 0
    let sum = row.reduce(0.0) { $0 + Double.exp(Double($1 - most)) }
    return row.map { $0 - most - Float(Double.log(sum)) }
  }

  /// How much each position of the target, `</s>` the last, looked at each token of the source, `</s>` the last: the mean
  /// over the heads of all blocks. Rows sum to 1.
  package func alignment() -> PlainMatrix<Float> {
    let heads = crossWeights().flatMap { $0 }
    return PlainMatrix(inputLength, sourceLength) { t, s in
      Float(heads.reduce(0) { $0 + $1[t, s] } / Double(heads.count))
    }
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
    func own(_ column: Column, _ saved: Column.Saved, _ length: Int, _ mask: AttentionMask) -> [[PlainMatrix<Double>]] {
      let texts = Sequences(count: 1, length: length)
      return column.blocks.indices.map { index in
        let (query, key) = column.queriesAndKeys(ofBlock: index, saved, texts, in: memory)
        return AttentionMaps.weights(query, key, model.configuration.attention, mask: mask, in: memory)
      }
    }
    return Attention(
      encoder: own(model.encoder, activations.encoder, sourceLength, .full),
      decoder: own(model.decoder, activations.decoder, inputLength, .causal), cross: crossWeights())
  }

  /// By layer and head, what the decoder's positions take from the source's tokens.
  private func crossWeights() -> [[PlainMatrix<Double>]] {
    let shape = model.configuration.attention
    return activations.decoder.blocks.compactMap(\.cross?.attention).map { saved in
      AttentionMaps.weights(
        saved.queries.rows(0..<inputLength), saved.keyValues.rows(0..<sourceLength).columns(0..<shape.keyWidth),
        shape, mask: .full, in: memory)
    }
  }
}
