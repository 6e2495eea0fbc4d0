package import MiniGPTTensors

/// What a model learns from at a time: tokens, and the targets of its predictions.
package protocol TrainingBatch: Sendable {
  /// How large batches get.
  associatedtype Capacity: Sendable
  /// Where a batch stands in a memory.
  associatedtype Places: Sendable
  static func plan(_ capacity: Capacity, in plan: inout MemoryPlan) -> Places
  /// `[N]`, one for each row of logits; a negative one counts for nothing.
  var targets: IndexSlot { get }
  /// Where its rows stand there twice: from one to its copy.
  var copiesApart: Int? { get }
}

extension TrainingBatch {
  package var copiesApart: Int? { nil }
}

/// The places of a model's forward pass that its loss needs.
package protocol PredictingActivations: Sendable {
  /// What the logits are made of, `[N, C]`.
  var hidden: Slot { get }
  /// The gradient of that.
  var gradient: Slot { get }
  var loss: CrossEntropy.Saved { get }
}

extension GPT.Activations: PredictingActivations {}
extension EncoderDecoder.Activations: PredictingActivations {}

/// A model that is trained, and that a checkpoint keeps: batches in, hidden rows out, and a gradient back.
package protocol TrainableModel: Sendable {
  associatedtype Configuration: ModelConfiguration
  associatedtype Batch: TrainingBatch
  associatedtype Activations: PredictingActivations
  var configuration: Configuration { get }
  /// The parameters, in the order of the checkpoint.
  var layout: ParameterLayout { get }
  /// `configuration` must be valid.
  init(_ configuration: Configuration)
  var outputProjection: OutputProjection { get }
  /// Plans for batches of at most some size, with `logitRows` rows of logits at a time; nil is a number that suits the
  /// vocabulary.
  func plan(
    _ capacity: Batch.Capacity, _ purpose: Purpose, logitRows: Int?, in plan: inout MemoryPlan
  ) -> Activations
  /// Writes what is fixed.
  func prepare(_ activations: Activations, in memory: Memory)
  /// From a batch to the first rows of `activations.hidden`.
  func forward(_ batch: Batch, _ activations: Activations, dropout: DropoutStep?, in memory: Memory)
  /// From their gradient, in `activations.gradient`, to those of all parameters.
  func backward(_ batch: Batch, _ activations: Activations, dropout: DropoutStep?, in memory: Memory)
}

extension TrainableModel {
  package func plan(_ capacity: Batch.Capacity, _ purpose: Purpose, in plan: inout MemoryPlan) -> Activations {
    self.plan(capacity, purpose, logitRows: nil, in: &plan)
  }

  /// Adds the gradient of `scale` times the sum of a batch's losses to those of the parameters, and returns that sum,
  /// unscaled.
  package func addGradient(
    of batch: Batch, _ activations: Activations, _ objective: Objective, dropout: DropoutStep?, in memory: Memory
  ) -> Double {
    let rows = batch.targets.count
    forward(batch, activations, dropout: dropout, in: memory)
    let copies = batch.copiesApart.map { Copies(apart: $0, weight: objective.consistency) }
    CrossEntropy(outputProjection, smoothing: objective.smoothing, copies: copies).forwardAndBackward(
      activations.hidden.first(rows), batch.targets, into: activations.gradient.first(rows), scale: objective.scale,
      activations.loss,
      in: memory)
    backward(batch, activations, dropout: dropout, in: memory)
    return memory.sum(activations.loss.losses.first(rows))
  }

  /// The losses of a batch, without smoothing; `seen` gets the logits of some rows at a time.
  package func losses(
    of batch: Batch, _ activations: Activations, in memory: Memory,
    seen: (_ rows: Range<Int>, _ logits: Slot) throws -> Void = { _, _ in }
  ) rethrows -> Slot {
    let rows = batch.targets.count
    forward(batch, activations, dropout: nil, in: memory)
    try CrossEntropy(outputProjection).forward(
      activations.hidden.first(rows), batch.targets, activations.loss, in: memory, seen: seen)
    return activations.loss.losses.first(rows)
  }
}

/// What is minimized: the sum of a batch's losses, times a scale, with smoothed targets, and with so much weight on how
/// much the predictions of copies differ.
package struct Objective: Sendable {
  package let scale: Float
  package let smoothing: Float
  package let consistency: Float

  package init(scale: Float, smoothing: Float = 0, consistency: Float = 0) {
    self.scale = scale
    self.smoothing = smoothing
    self.consistency = consistency
  }
}
