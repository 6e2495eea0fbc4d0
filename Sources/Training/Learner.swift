package import MiniGPTCheckpoints
package import MiniGPTDatasets
package import MiniGPTTensors
package import MiniGPTTransformer

/// One update at a time: forward, loss and backward over every batch of it, clipping, the optimizer.
///
/// All memory is taken by `init`; `step` allocates nothing.
package final class Learner<Model: TrainableModel, Source: BatchSource> where Source.Batch == Model.Batch {
  package let model: Model
  package let workspace: TrainingWorkspace<Model>
  private let configuration: TrainingConfiguration
  package private(set) var schedule: LearningRateSchedule
  package let optimizer: Optimizer
  private var source: Source

  package var memory: Memory { workspace.memory }
  package var capacity: Model.Batch.Capacity { source.capacity }
  package var heldOut: Source.HeldOut? { source.heldOut }

  /// - Parameter recomputes: whether the backward pass computes each block again; it changes no bit.
  package init(
    _ model: Model, on source: Source, _ configuration: TrainingConfiguration, recomputes: Bool = false,
    processor: Processor
  ) {
    self.model = model
    self.source = source
    self.configuration = configuration
    var plan = MemoryPlan()
    optimizer = Optimizer(configuration, model.layout, in: &plan)
    workspace = TrainingWorkspace(
      model, source.capacity, recomputes ? .trainingRecomputed : .training, beside: plan,
      on: processor.with(configuration.precision))
    schedule = LearningRateSchedule(configuration)
    Initialization.run(model.layout, seed: configuration.seed, in: memory)
  }

  /// Bytes that such a learner takes: weights, gradients, the optimizer's state, activations of the largest batch.
  package static func memoryNeeded(
    _ model: Model, _ capacity: Model.Batch.Capacity, _ configuration: TrainingConfiguration, recomputes: Bool
  ) -> Int {
    var plan = MemoryPlan()
    _ = Optimizer(configuration, model.layout, in: &plan)
    _ = TrainingWorkspace.plan(model, capacity, recomputes ? .trainingRecomputed : .training, in: &plan)
    return plan.byteCount(parameters: model.layout.count)
  }

  /// Goes on towards another number of updates.
  package func changeSteps(to steps: Int) {
    var configuration = configuration
    configuration.steps = steps
    schedule = LearningRateSchedule(configuration)
  }

  /// The learning rate of update `index`, counted from 0.
  package func rate(at index: Int) -> Double { schedule.rate(at: index) }

  /// Update number `index`, counted from 0; nil where `shouldStop` said so between two of its batches: nothing was
  /// learned of it.
  package func step(_ index: Int, shouldStop: () -> Bool = { false }) throws(TrainingError) -> TrainingStep? {
    memory.clearGradients()
    guard let (total, predictions) = accumulateGradients(of: index, shouldStop) else { return nil }
    let loss = total / Double(predictions), scale = source.scaling.ofGradient(predictions: predictions)
    let norm = memory.squaredGradientNorm().squareRoot() * scale
    if !loss.isFinite { throw .notFinite(step: index + 1, what: "loss") }
    if !norm.isFinite { throw .notFinite(step: index + 1, what: "gradient") }
    let rate = schedule.rate(at: index)
    optimizer.update(
      step: index, rate: rate,
      gradientScale: scale * GradientClipping.scale(norm: norm, limit: configuration.gradientClip), in: memory)
    return TrainingStep(step: index + 1, loss: loss, learningRate: rate, gradientNorm: norm)
  }

  /// Forward, loss and backward over every batch; returns the sum of all losses and how many they are.
  private func accumulateGradients(of update: Int, _ shouldStop: () -> Bool) -> (total: Double, predictions: Int)? {
    let objective = Objective(
      scale: source.scaling.ofLosses, smoothing: Float(configuration.labelSmoothing),
      consistency: Float(configuration.consistency))
    var total = 0.0, predictions = 0
    for turn in 0..<source.turns {
      var ofTurn = 0.0
      for chunk in 0..<source.chunks {
        if turn + chunk > 0, shouldStop() { return nil }
        let sampled = source.fill(
          UpdatePlace(update: update, turn: turn, chunk: chunk), into: workspace.places, in: memory)
        let dropout = DropoutStep(
          seed: configuration.seed, step: update, firstSample: sampled.firstSample, rate: Float(configuration.dropout))
        ofTurn += model.addGradient(
          of: sampled.batch, workspace.activations, objective, dropout: dropout, in: memory)
        predictions += sampled.predictions
      }
      total += ofTurn
    }
    return (total, predictions)
  }
}
