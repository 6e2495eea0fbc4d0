internal import Checkpoints
package import Parallel
internal import Platform
package import Tensors
package import Transformer

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

  private let gradient: BatchGradient
  private let memory: Memory
  private let optimizer: AdamW
  private let clip: Double

  package init(
    _ shape: GPTConfiguration, batch: Int, precision: Precision, pool: WorkerPool, kernels: Kernels
  ) {
    let model = GPT(shape), configuration = TrainingConfiguration()
    gradient = BatchGradient(model, batch: batch)
    memory = Memory(
      parameters: ParameterStorage(count: model.layout.count), trains: true, activations: gradient.activations.count,
      indices: gradient.activations.indexCount, scratch: model.scratch(length: shape.context), pool: pool,
      kernels: kernels, precision: precision)
    optimizer = AdamW(configuration)
    clip = configuration.gradientClip
    model.prepare(gradient.activations, in: memory)
    Initialization.run(model.layout, seed: 1, in: memory)
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
    let shape = gradient.model.configuration, positions = gradient.batch * shape.context
    let stream = RandomStream(seed: 1, site: 1), vocabulary = Double(shape.vocabularySize)
    memory.clearGradients()
    let total = gradient.add(scale: 1 / Float(positions), dropout: { _ in nil }, in: memory) { ids, targets, first in
      for i in 0..<ids.count {
        let place = 2 * (index * positions + first * shape.context + i)
        memory.setIndex(ids, i, Int32(stream.uniform(place) * vocabulary))
        memory.setIndex(targets, i, Int32(stream.uniform(place + 1) * vocabulary))
      }
    }
    optimizer.update(
      gradient.model.layout, step: index, rate: 1e-3,
      gradientScale: GradientClipping.scale(norm: memory.squaredGradientNorm().squareRoot(), limit: clip), in: memory)
    return total / Double(positions)
  }
}
