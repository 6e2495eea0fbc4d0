package import MiniGPTTensors
package import MiniGPTTransformer

/// Where a training's batches come from, and what is held out.
///
/// An update is `turns` batches, each computed in `chunks` pieces, one after another in the same memory.
package protocol BatchSource {
  associatedtype Batch: TrainingBatch
  associatedtype HeldOut: HeldOutBatches where HeldOut.Batch == Batch
  /// The largest batch of training and evaluation.
  var capacity: Batch.Capacity { get }
  var turns: Int { get }
  var chunks: Int { get }
  /// How losses become the mean over an update's predictions.
  var scaling: LossScaling { get }
  /// Writes a chunk of an update to its places.
  mutating func fill(_ place: UpdatePlace, into places: Batch.Places, in memory: Memory) -> SampledBatch<Batch>
  /// Nil where nothing is held out.
  var heldOut: HeldOut? { get }
}

/// A chunk of an update.
package struct UpdatePlace: Sendable {
  package let update: Int
  package let turn: Int
  package let chunk: Int

  package init(update: Int, turn: Int, chunk: Int) {
    self.update = update
    self.turn = turn
    self.chunk = chunk
  }
}

/// A batch of an update.
package struct SampledBatch<Batch: TrainingBatch> {
  package let batch: Batch
  /// Its first sample's number in the update: random numbers are drawn by it.
  package let firstSample: Int
  /// Targets that count.
  package let predictions: Int

  package init(_ batch: Batch, firstSample: Int, predictions: Int) {
    self.batch = batch
    self.firstSample = firstSample
    self.predictions = predictions
  }
}

/// How an update's gradient becomes that of the mean loss of its predictions.
package enum LossScaling: Sendable {
  /// All updates have so many predictions: every loss is divided by that before the backward pass.
  case before(predictions: Int)
  /// Updates have as many as they have: the gradient of the sum is divided in the end.
  case after

  /// What each loss is multiplied by before the backward pass.
  package var ofLosses: Float {
    switch self {
    case .before(let predictions): 1 / Float(predictions)
    case .after: 1
    }
  }

  /// What the gradient is multiplied by after it.
  package func ofGradient(predictions: Int) -> Double {
    switch self {
    case .before: 1
    case .after: 1 / Double(predictions)
    }
  }
}

/// Held-out batches, in one order.
package protocol HeldOutBatches {
  associatedtype Batch: TrainingBatch
  /// How many batches there are.
  var count: Int { get }
  /// Writes a batch to its places. Rows that predict nothing have a target of -1.
  func fill(_ index: Int, into places: Batch.Places, in memory: Memory) -> Batch
}
