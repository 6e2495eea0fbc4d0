package import Parallel
package import Tensors
package import Transformer

/// Translates sentences, as ids, many at a time: each source is read once, and the hypotheses of all sentences of a batch
/// share each pass over the weights.
///
/// A sentence's translations do not depend on those beside it, to the bit.
package final class Translator {
  package let model: EncoderDecoder
  package let configuration: BeamSearchConfiguration
  private let memory: Memory
  private let activations: EncoderDecoder.DecodingActivations
  private var row: [Float]

  /// - Parameter batch: the most sentences at a time; memory is taken for them.
  package init(
    _ model: EncoderDecoder, parameters: ParameterStorage, _ configuration: BeamSearchConfiguration, batch: Int = 16,
    pool: WorkerPool, kernels: Kernels
  ) {
    self.model = model
    self.configuration = configuration
    let shape = model.configuration
    // A hypothesis may need a cache of megabytes: at most 256 MB for all.
    let cacheBytes = max(1, 8 * shape.decoderLayers * shape.context * shape.width)
    let hypotheses = max(configuration.beam, min(batch * configuration.beam, (256 << 20) / cacheBytes))
    let sentences = max(1, hypotheses / configuration.beam)
    activations = EncoderDecoder.DecodingActivations(
      shape, sentences: sentences, sourceRows: max(shape.context, min(sentences * shape.context, 2048)),
      hypotheses: sentences * configuration.beam)
    memory = Memory(
      parameters: parameters, trains: false, activations: activations.count, indices: activations.indexCount,
      scratch: model.decodingScratch, pool: pool, kernels: kernels)
    row = [Float](repeating: 0, count: shape.outputSize)
    model.prepare(activations, in: memory)
  }

  /// The most tokens of a sentence; what stands behind them is not translated.
  package var sourceLimit: Int { model.configuration.context - 1 }

  /// Translations of each sentence, given without `</s>`, the best first, in the order of the sentences. A sentence
  /// without a token has one translation without a token.
  package func translate(_ sentences: [[Int32]]) -> [[Translation]] {
    let empty = [Translation(ids: [], score: 0, logProbability: 0)]
    var results = [[Translation]](repeating: empty, count: sentences.count)
    // Sentences of like lengths together: little padding, and hypotheses that end together.
    let order = sentences.indices.filter { !sentences[$0].isEmpty }
      .sorted { (sentences[$0].count, $0) < (sentences[$1].count, $1) }
    var first = 0
    while first < order.count {
      var end = first
      while end < order.count, end - first < activations.sentences,
        (end - first + 1) * (min(sentences[order[end]].count, sourceLimit) + 1) <= activations.sourceRows
      {
        end += 1
      }
      let batch = order[first..<end]
      let found = search(
        batch.map { sentences[$0].prefix(sourceLimit) + [TranslatorConfiguration.endOfSentence] })
      for (index, translations) in zip(batch, found) { results[index] = translations }
      first = end
    }
    return results
  }

  /// A sentence's search and where its hypotheses have their keys and values.
  private struct Sentence {
    var search: BeamSearch
    /// The sequence of the cache that each running hypothesis has.
    var places: [Int]
    /// The sequences that are free.
    var free: [Int]
  }

  private func search(_ sources: [[Int32]]) -> [[Translation]] {
    let beam = configuration.beam, end = TranslatorConfiguration.endOfSentence
    model.encode(sources, activations, in: memory)
    var all = sources.enumerated().map { index, source in
      Sentence(
        search: BeamSearch(
          configuration, end: end,
          lengthLimit: min(model.configuration.context, source.count - 1 + configuration.extraLength)),
        places: [index * beam], free: Array(index * beam + 1..<(index + 1) * beam))
    }
    var place = 0
    while true {
      var rows = 0
      for index in all.indices where !all[index].search.isDone {
        for (hypothesis, sequence) in zip(all[index].search.running, all[index].places) {
          model.set(
            rows, id: hypothesis.ids.last ?? model.configuration.padding, sequence: sequence, place: place,
            source: index, activations, in: memory)
          rows += 1
        }
      }
      if rows == 0 { break }
      model.decode(rows, activations, .inPlace, in: memory)
      rows = 0
      for index in all.indices where !all[index].search.isDone { advance(&all[index], from: &rows, place: place) }
      place += 1
    }
    return all.map { Array($0.search.ended.prefix(configuration.hypotheses)) }
  }

  /// A step of one sentence, whose logits begin with row `first`.
  private func advance(_ sentence: inout Sentence, from first: inout Int, place: Int) {
    var candidates: [BeamSearch.Continuation] = []
    for (parent, hypothesis) in sentence.search.running.enumerated() {
      memory.read(activations.logits, row: first, into: &row)
      let logSum = Double(memory.value(activations.logSums, first, 0))
      for id in Self.largest(row, sentence.search.candidatesPerHypothesis) {
        candidates.append(
          BeamSearch.Continuation(
            parent: parent, id: id, logProbability: hypothesis.logProbability + (Double(row[Int(id)]) - logSum)))
      }
      first += 1
    }
    sentence.search.advance(candidates)
    move(&sentence, count: place + 1)
  }

  /// The first to continue a hypothesis takes over its keys and values, others get copies.
  private func move(_ sentence: inout Sentence, count: Int) {
    let before = sentence.places
    var isTaken = [Bool](repeating: false, count: before.count)
    for hypothesis in sentence.search.running { isTaken[hypothesis.parent] = true }
    for (parent, isTaken) in isTaken.enumerated() where !isTaken { sentence.free.append(before[parent]) }
    var wasFirst = [Bool](repeating: false, count: before.count)
    sentence.places = sentence.search.running.map { hypothesis in
      if !wasFirst[hypothesis.parent] {
        wasFirst[hypothesis.parent] = true
        return before[hypothesis.parent]
      }
      let target = sentence.free.removeLast()
      model.copyHypothesis(from: before[hypothesis.parent], to: target, count: count, activations, in: memory)
      return target
    }
  }

  /// The ids of the largest numbers, the largest first; of equal ones the lower id.
  static func largest(_ row: [Float], _ count: Int) -> [Int32] {
    var best: [Int32] = []
    best.reserveCapacity(count + 1)
    var least = -Float.infinity
    for id in row.indices where row[id] > least || best.count < count {
      let number = row[id]
      var place = best.count
      while place > 0 && row[Int(best[place - 1])] < number { place -= 1 }
      best.insert(Int32(id), at: place)
      if best.count > count { best.removeLast() }
      if best.count == count { least = row[Int(best[count - 1])] }
    }
    return best
  }
}
