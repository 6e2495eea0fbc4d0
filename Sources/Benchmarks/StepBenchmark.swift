package import MiniGPTCheckpoints
internal import MiniGPTDatasets
internal import MiniGPTPlatform
package import MiniGPTTensors
package import MiniGPTTraining
package import MiniGPTTransformer

/// Times training steps of a shape on ids drawn by chance: forward, backward, clipping, AdamW, through `Learner.step`, which a training does too.
package struct StepBenchmark {
  /// What a number of steps took.
  package struct Result: Sendable {
    /// Of each step, in the order of time.
    package let seconds: [Double]
    package let split: TimeSplit
    /// Bytes taken, touched or not.
    package let memory: Int
    package let lastLoss: Double

    /// The step in the middle.
    package var median: Double { seconds.sorted()[seconds.count / 2] }
  }

  /// Positions whose loss a step takes.
  package let tokens: Int
  private let memory: Memory
  private let step: (Int) throws(TrainingError) -> TrainingStep

  /// Steps of a GPT on `batch` windows as long as its context.
  package init(_ shape: GPTConfiguration, batch: Int, _ precision: Precision = .fp32, on processor: Processor) {
    self.init(shape, batch: batch, Self.configuration(precision), on: processor)
  }

  /// The same as a training of such a configuration does them.
  package init(
    _ shape: GPTConfiguration, batch: Int, _ configuration: TrainingConfiguration, on processor: Processor
  ) {
    let source = ChanceWindows(
      capacity: TextWindows.capacity(context: shape.context, batchSize: batch), batchSize: batch,
      vocabulary: shape.vocabularySize)
    self.init(
      Learner(GPT(shape), on: source, configuration, processor: processor), batch * shape.context)
  }

  /// Steps of a translator on `pairs` pairs, each side `length` tokens long, labels smoothed by 0.1.
  package init(
    _ shape: TranslatorConfiguration, pairs: Int, length: Int, _ precision: Precision = .fp32, on processor: Processor
  ) {
    var configuration = Self.configuration(precision)
    configuration.labelSmoothing = 0.1
    let source = ChancePairs(pairs: pairs, length: length, vocabulary: shape.outputSize)
    self.init(Learner(EncoderDecoder(shape), on: source, configuration, processor: processor), pairs * length)
  }

  private init<Model, Source>(_ learner: Learner<Model, Source>, _ tokens: Int) {
    self.tokens = tokens
    memory = learner.memory
    step = { (index) throws(TrainingError) in
      guard let step = try learner.step(index) else { fail("a step that nobody stops was stopped") }
      return step
    }
  }

  private static func configuration(_ precision: Precision) -> TrainingConfiguration {
    var configuration = TrainingConfiguration()
    (configuration.seed, configuration.warmup, configuration.schedule) = (1, 0, .constant)
    configuration.precision = precision
    return configuration
  }

  /// `warmUp` steps that are not counted, then `steps` that are.
  package func run(
    warmUp: Int, steps: Int, shouldStop: () -> Bool = { false }
  ) throws(TrainingError) -> Result? {
    var seconds: [Double] = [], loss = 0.0
    seconds.reserveCapacity(steps)
    for index in 0..<warmUp + steps {
      if shouldStop() { return nil }
      if index == warmUp { memory.timeSplit = TimeSplit() }
      let start = MonotonicTime.now
      loss = try step(index).loss
      if index >= warmUp { seconds.append(MonotonicTime.now - start) }
    }
    let split = memory.timeSplit ?? TimeSplit()
    memory.timeSplit = nil
    return Result(seconds: seconds, split: split, memory: memory.byteCount, lastLoss: loss)
  }
}

/// Ids of one step.
private struct Chance {
  let step: Int
  let vocabulary: Int
  private let stream = RandomStream(seed: 1, .benchmark)

  func id(_ place: Int) -> Int32 { Int32(stream.uniform(place, step: step) * Double(vocabulary)) }

  /// Writes a list of ids, every `stride`-th from `first` on.
  func fill(_ ids: IndexSlot, from first: Int, every stride: Int, in memory: Memory) {
    for i in 0..<ids.count { memory.setIndex(ids, i, id(first + stride * i)) }
  }
}

/// Windows of ids drawn by chance.
private struct ChanceWindows: BatchSource {
  typealias HeldOut = HeldOutText
  let capacity: TextBatch.Capacity
  let batchSize: Int
  let vocabulary: Int

  var turns: Int { 1 }
  var chunks: Int { (batchSize + capacity.windows - 1) / capacity.windows }
  var scaling: LossScaling { .before(predictions: batchSize * capacity.length) }
  var heldOut: HeldOutText? { nil }

  func fill(_ place: UpdatePlace, into places: TextBatch.Places, in memory: Memory) -> SampledBatch<TextBatch> {
    let first = place.chunk * capacity.windows, batch = places.batch(min(capacity.windows, batchSize - first))
    let chance = Chance(step: place.update, vocabulary: vocabulary), start = 2 * first * capacity.length
    chance.fill(batch.input.ids, from: start, every: 2, in: memory)
    chance.fill(batch.targets, from: start + 1, every: 2, in: memory)
    return SampledBatch(batch, firstSample: first, predictions: batch.targets.count)
  }
}

/// Pairs of ids drawn by chance, all of one length.
private struct ChancePairs: BatchSource {
  typealias HeldOut = HeldOutPairs
  let pairs: Int
  let length: Int
  let vocabulary: Int

  var turns: Int { 1 }
  var chunks: Int { 1 }
  var scaling: LossScaling { .after }
  var heldOut: HeldOutPairs? { nil }
  var capacity: SentenceBatch.Capacity {
    SentenceBatch.Capacity(pairs: pairs, sourceRows: pairs * length, targetRows: pairs * length)
  }

  func fill(
    _ place: UpdatePlace, into places: SentenceBatch.Places, in memory: Memory
  ) -> SampledBatch<SentenceBatch> {
    let batch = places.batch(pairs, sourceLength: length, targetLength: length)
    let chance = Chance(step: place.update, vocabulary: vocabulary)
    for pair in 0..<pairs {
      batch.source.setLength(pair, length, in: memory)
      batch.input.setLength(pair, length, in: memory)
    }
    chance.fill(batch.source.ids, from: 0, every: 3, in: memory)
    chance.fill(batch.input.ids, from: 1, every: 3, in: memory)
    chance.fill(batch.targets, from: 2, every: 3, in: memory)
    return SampledBatch(batch, firstSample: 0, predictions: batch.targets.count)
  }
}
