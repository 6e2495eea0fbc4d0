package import MiniGPTEvaluation
package import MiniGPTStorage

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
  /// Asked to stop before the first step; what another run left under its names is as it was.
  case leftAlone
}
