internal import MiniGPTParallel
internal import Synchronization
package import MiniGPTTensors
package import MiniGPTTransformer

/// Translates sentences, as ids, many at a time: sentences of like lengths make batches, and each thread takes batches
/// until none are left; a batch that is alone has all threads.
///
/// A sentence's translations do not depend on those beside it, nor on the threads, to the bit.
package final class Translator {
  package let model: EncoderDecoder
  package let configuration: BeamSearchConfiguration
  private let parameters: ParameterStorage
  private let processor: Processor
  private var size: BatchSize
  /// For a batch that is alone, and one for each thread; made when they are needed.
  private var whole: BatchTranslator?
  private var single: [BatchTranslator] = []
  /// Threads that may work on batches of their own.
  private let threads: Int

  /// Bytes that the caches of all hypotheses, and the tables of logits, may have together.
  private static let mostBytes = 512 << 20

  /// - Parameter batch: the most sentences that share a pass over the weights; memory is taken for them.
  package init(
    _ model: EncoderDecoder, parameters: ParameterStorage, _ configuration: BeamSearchConfiguration, batch: Int = 16,
    on processor: Processor
  ) {
    self.model = model
    self.configuration = configuration
    self.parameters = parameters
    self.processor = processor
    let shape = model.configuration
    // A hypothesis may need a cache of megabytes.
    let cacheBytes = max(1, 8 * shape.decoderLayers * shape.context * shape.width)
    let sentences = max(1, min(batch, Self.mostBytes / 2 / cacheBytes / configuration.beam))
    size = BatchSize(sentences: sentences, rows: max(shape.context, min(sentences * shape.context, 2048)), places: 0)
    let bytes = sentences * configuration.beam * cacheBytes + 4 * shape.outputSize * shape.width
    threads = max(1, min(processor.pool.threads, Self.mostBytes / bytes))
  }

  private func batchTranslator(on processor: Processor) -> BatchTranslator {
    BatchTranslator(model, parameters: parameters, configuration, size, on: processor)
  }

  /// Memory for short sentences until a longer one comes: it is cleared before it is used, which takes time.
  private func makeRoom(forLongest tokens: Int) {
    let context = model.configuration.context
    let wanted = min(context, min(tokens, sourceLimit) + 1 + max(0, configuration.extraLength))
    if wanted <= size.places { return }
    size.places = min(context, (wanted + 31) / 32 * 32)
    whole = nil
    single = []
  }

  /// The most tokens of a sentence; what stands behind them is not translated.
  package var sourceLimit: Int { model.configuration.context - 1 }

  /// Translations of each sentence, given without `</s>`, the best first, in the order of the sentences. A sentence
  /// without a token has one translation without a token.
  package func translate(_ sentences: [[Int32]]) -> [[Translation]] {
    let empty = [Translation(ids: [], score: 0, logProbability: 0)]
    var results = [[Translation]](repeating: empty, count: sentences.count)
    let batches = batches(of: sentences)
    func sources(_ batch: [Int]) -> [[Int32]] {
      batch.map { sentences[$0].prefix(sourceLimit) + [TranslatorConfiguration.endOfSentence] }
    }
    makeRoom(forLongest: sentences.reduce(0) { max($0, $1.count) })
    if threads == 1 || batches.count <= 1 {
      let translator = whole ?? batchTranslator(on: processor)
      whole = translator
      for batch in batches {
        for (index, found) in zip(batch, translator.search(sources(batch))) { results[index] = found }
      }
      return results
    }
    if single.isEmpty {
      single = (0..<threads).map { _ in batchTranslator(on: Processor(WorkerPool(threads: 1), processor.kernels)) }
    }
    let jobs = batches.map { BatchJob(sources($0)) }
    let taken = BatchCounter()
    processor.pool.run(threads, TranslateBatches(jobs: jobs, taken: taken, translators: single))
    for (batch, job) in zip(batches, jobs) {
      for (index, found) in zip(batch, job.found.withLock { $0 }) { results[index] = found }
    }
    return results
  }

  /// Sentences of like lengths together: little padding, and hypotheses that end together. The longest come first, so
  /// that the threads end together.
  private func batches(of sentences: [[Int32]]) -> [[Int]] {
    let order = sentences.indices.filter { !sentences[$0].isEmpty }
      .sorted { (sentences[$1].count, $0) < (sentences[$0].count, $1) }
    var batches: [[Int]] = [], first = 0
    while first < order.count {
      let rows = min(sentences[order[first]].count, sourceLimit) + 1
      let end = min(order.count, first + max(1, min(size.sentences, size.rows / rows)))
      batches.append(Array(order[first..<end]))
      first = end
    }
    return batches
  }
}

/// A batch that waits for a thread, and what came of it.
private final class BatchJob: Sendable {
  let sources: [[Int32]]
  let found = Mutex<[[Translation]]>([])

  init(_ sources: [[Int32]]) { self.sources = sources }
}

private final class BatchCounter: Sendable {
  private let next = Atomic(0)

  func take() -> Int { next.add(1, ordering: .relaxed).oldValue }
}

private struct TranslateBatches: ParallelWork {
  let jobs: [BatchJob]
  let taken: BatchCounter
  let translators: [BatchTranslator]

  /// Which thread takes which batch is left to chance, and does not show.
  func callAsFunction(_ part: Int, thread: Int) {
    while true {
      let index = taken.take()
      if index >= jobs.count { return }
      let found = translators[part].search(jobs[index].sources)
      jobs[index].found.withLock { $0 = found }
    }
  }
}
