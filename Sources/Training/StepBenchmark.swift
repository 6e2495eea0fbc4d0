internal import MiniGPTCheckpoints
internal import MiniGPTDatasets
package import MiniGPTParallel
internal import MiniGPTPlatform
package import MiniGPTTensors
package import MiniGPTTransformer

/// Times training steps of a shape on ids drawn by chance: forward, backward, clipping, AdamW, as `Trainer` does them.
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
  private let layout: ParameterLayout
  private let optimizer = AdamW(TrainingConfiguration())
  private let clip = TrainingConfiguration().gradientClip
  /// Adds the gradient of the mean loss of one batch, and returns that loss.
  private let learn: (_ step: Int) -> Double

  /// Steps of a GPT on `batch` windows as long as its context.
  package init(
    _ shape: GPTConfiguration, batch: Int, precision: Precision, pool: WorkerPool, kernels: Kernels
  ) {
    let model = GPT(shape), gradient = BatchGradient(model, batch: batch), positions = batch * shape.context
    let memory = Memory(
      parameters: ParameterStorage(count: model.layout.count), trains: true, activations: gradient.activations.count,
      indices: gradient.activations.indexCount, scratch: model.scratch(length: shape.context), pool: pool,
      kernels: kernels, precision: precision)
    model.prepare(gradient.activations, in: memory)
    self.init(positions, memory, model.layout) { step in
      let chance = Chance(step: step, vocabulary: shape.vocabularySize)
      let total = gradient.add(scale: 1 / Float(positions), dropout: { _ in nil }, in: memory) { ids, targets, first in
        for i in 0..<ids.count {
          memory.setIndex(ids, i, chance.id(2 * (first * shape.context + i)))
          memory.setIndex(targets, i, chance.id(2 * (first * shape.context + i) + 1))
        }
      }
      return total / Double(positions)
    }
  }

  /// Steps of a translator on `pairs` pairs, each side `length` tokens long, labels smoothed by 0.1.
  package init(
    _ shape: TranslatorConfiguration, pairs: Int, length: Int, precision: Precision, pool: WorkerPool, kernels: Kernels
  ) {
    let model = EncoderDecoder(shape), positions = pairs * length
    let places = SentenceBatch.Places(
      SentenceBatch.Capacity(pairs: pairs, sourceRows: positions, targetRows: positions))
    let activations = EncoderDecoder.Activations(
      shape, sourceRows: positions, targetRows: positions, trains: true,
      logitRows: TokenLoss.rows(vocabulary: shape.outputSize))
    let memory = Memory(
      parameters: ParameterStorage(count: model.layout.count), trains: true, activations: activations.count,
      indices: places.indexCount, scratch: model.scratch, pool: pool, kernels: kernels, precision: precision)
    model.prepare(activations, in: memory)
    let batch = places.batch(pairs, sourceLength: length, targetLength: length, targetTokens: positions)
    let loss = TokenLoss(
      projection: model.outputProjection, hidden: activations.hidden, gradient: activations.gradient,
      logits: activations.logits, targets: batch.targets, losses: activations.losses)
    for pair in 0..<pairs {
      memory.setIndex(batch.source.lengths, pair, Int32(length))
      memory.setIndex(batch.input.lengths, pair, Int32(length))
    }
    self.init(positions, memory, model.layout) { step in
      let chance = Chance(step: step, vocabulary: shape.outputSize)
      for i in 0..<positions {
        memory.setIndex(batch.source.ids, i, chance.id(3 * i))
        memory.setIndex(batch.input.ids, i, chance.id(3 * i + 1))
        memory.setIndex(batch.targets, i, chance.id(3 * i + 2))
      }
      model.forward(batch.source, batch.input, activations, nil, in: memory)
      loss.forwardAndBackward(scale: 1 / Float(positions), smoothing: 0.1, in: memory)
      model.backward(batch.source, batch.input, activations, nil, in: memory)
      return memory.sum(loss.losses) / Double(positions)
    }
  }

  private init(_ tokens: Int, _ memory: Memory, _ layout: ParameterLayout, learn: @escaping (Int) -> Double) {
    self.tokens = tokens
    self.memory = memory
    self.layout = layout
    self.learn = learn
    Initialization.run(layout, seed: 1, in: memory)
  }

  /// Ids of one step.
  private struct Chance {
    let step: Int
    let vocabulary: Int
    private let stream = RandomStream(seed: 1, .benchmark)

    init(step: Int, vocabulary: Int) {
      self.step = step
      self.vocabulary = vocabulary
    }

    func id(_ place: Int) -> Int32 { Int32(stream.uniform(place, step: step) * Double(vocabulary)) }
  }

  /// `warmUp` steps that are not counted, then `steps` that are.
  package func run(warmUp: Int, steps: Int, shouldStop: () -> Bool = { false }) -> Result? {
    var seconds: [Double] = [], loss = 0.0
    seconds.reserveCapacity(steps)
    for index in 0..<warmUp + steps {
      if shouldStop() { return nil }
      if index == warmUp { memory.timeSplit = TimeSplit() }
      let start = MonotonicTime.now
      loss = step(index)
      if index >= warmUp { seconds.append(MonotonicTime.now - start) }
    }
    let split = memory.timeSplit ?? TimeSplit()
    memory.timeSplit = nil
    return Result(seconds: seconds, split: split, memory: memory.byteCount, lastLoss: loss)
  }

  private func step(_ index: Int) -> Double {
    memory.clearGradients()
    let loss = learn(index)
    optimizer.update(
      layout, step: index, rate: 1e-3,
      gradientScale: GradientClipping.scale(norm: memory.squaredGradientNorm().squareRoot(), limit: clip), in: memory)
    return loss
  }
}
