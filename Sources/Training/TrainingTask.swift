package import MiniGPTCheckpoints
package import MiniGPTStorage
package import MiniGPTTensors

/// What a trainer does not know itself: a model, its batches and its loss.
package protocol TrainingTask: AnyObject {
  associatedtype Model: CheckpointModel
  var model: Model { get }
  /// Weights, gradients, moments and activations, taken before the first step.
  var memory: Memory { get }
  /// Whether there is something to evaluate on.
  var holdsOut: Bool { get }
  /// Whether an evaluation gives a BLEU.
  var measuresBLEU: Bool { get }

  /// Forward and backward over every batch of update number `update`: adds the gradients of its loss, times
  /// 1 / `gradientScale`, to those in memory, and gives the loss, the mean over the predicted tokens.
  func learn(update: Int, _ configuration: TrainingConfiguration) -> (loss: Double, gradientScale: Double)

  /// How well the weights predict what was held out, all of it; nil where nothing is, or `shouldStop` said so on the way.
  func evaluate(shouldStop: () -> Bool) throws -> EvaluationResult?
}

/// What an update did.
package struct TrainingStep: Sendable {
  /// Updates done, this one included.
  package let step: Int
  /// Mean cross-entropy of its tokens before it, in nats.
  package let loss: Double
  package let learningRate: Double
  /// The length of the gradient before clipping.
  package let gradientNorm: Double
}

/// What happens in a training, in order.
package enum TrainingEvent {
  case stepped(TrainingStep)
  /// An evaluation, and whether it is the best so far.
  case evaluated(TrainingStep, EvaluationResult, isBest: Bool)
  case saved(Path)
  /// The weights of these steps were averaged and saved; the evaluation of the mean, and whether it is the best of all.
  case averaged([Int], Path, EvaluationResult?, isBest: Bool)
}

/// How a training ended.
package enum TrainingOutcome: Equatable, Sendable {
  case finished
  /// `patience` evaluations without a new best.
  case outOfPatience
  /// Asked to stop; the checkpoint is written.
  case stopped
}
