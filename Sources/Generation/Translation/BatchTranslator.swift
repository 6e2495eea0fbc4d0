internal import MiniGPTParallel
internal import MiniGPTTensors
internal import MiniGPTTransformer

/// Translates one batch of sentences at a time: each source is read once, and the hypotheses of all its sentences share
/// each pass over the weights.
///
/// A sentence's translations do not depend on those beside it, to the bit.
final class BatchTranslator {
  private let model: EncoderDecoder
  private let configuration: BeamSearchConfiguration
  private let memory: Memory
  private let activations: EncoderDecoder.DecodingActivations
  private var best: [RankedNumber] = []

  init(
    _ model: EncoderDecoder, parameters: ParameterStorage, _ configuration: BeamSearchConfiguration,
    _ size: BatchSize, on processor: Processor
  ) {
    self.model = model
    self.configuration = configuration
    var plan = MemoryPlan()
    activations = model.planDecoding(
      EncoderDecoder.DecodingCapacity(
        sentences: size.sentences, sourceRows: size.rows, hypotheses: size.sentences * configuration.beam,
        places: size.places), in: &plan)
    memory = Memory(plan, parameters, on: processor)
    model.prepare(activations, in: memory)
  }

  /// A sentence's search and where its hypotheses have their keys and values.
  private struct Sentence {
    var search: BeamSearch
    /// The sequence of the cache that each running hypothesis has.
    var places: [Int]
    /// The sequences that are free.
    var free: [Int]
  }

  /// Translations of each source, which ends with `</s>`, the best first.
  func search(_ sources: [[Int32]]) -> [[Translation]] {
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
          activations.set(
            rows, id: hypothesis.ids.last ?? model.configuration.padding, sequence: sequence, place: place,
            source: index, in: memory)
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
    let count = sentence.search.candidateCount
    for (parent, hypothesis) in sentence.search.running.enumerated() {
      let logSum = Double(memory.value(activations.logSums, first, 0)), sum = hypothesis.logProbability - logSum
      // What is less likely than all that are known already does not count; the margin is for rounding.
      let floor = candidates.count < count ? -.infinity : Float(candidates[count - 1].logProbability - sum - 1e-3)
      memory.largest(activations.logits, row: first, count, above: floor, into: &best)
      for next in best {
        candidates.append(
          BeamSearch.Continuation(
            parent: parent, id: next.place, logProbability: hypothesis.logProbability + (Double(next.number) - logSum)))
      }
      BeamSearch.keepBest(count, of: &candidates)
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
}

/// How much a batch may hold.
struct BatchSize {
  let sentences: Int
  /// Tokens of sources, the longest counted for each.
  let rows: Int
  /// Tokens of a source or a translation.
  var places: Int
}
