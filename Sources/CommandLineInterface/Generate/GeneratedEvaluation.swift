internal import MiniGPT
internal import MiniGPTPlatform

/// The evaluation of a text as generation would say it: with packed weights of any type, from the cache, in the windows
/// of `Evaluation`. What shorter weights cost is the difference.
struct GeneratedEvaluation {
  let checkpoint: Checkpoint
  let tokenizer: any Tokenizer
  let tokens: TokenSequence
  let weights: NumberFormat

  /// Rows of logits at a time; the result does not depend on it.
  private static let rows = 64

  func run(_ machine: Machine, _ console: Console) throws -> EvaluationResult {
    let (model, parameters, packed) = try DecodingWeightsReader(checkpoint).pack(
      weights, on: machine.processor)
    let generator = TextGenerator(
      model, parameters: parameters, weights: packed, logitRows: Self.rows, on: machine.processor)
    // Whole windows at a time: the first token of a piece is the last of the one before.
    let context = checkpoint.configuration.context, piece = max(1, 4096 / context) * context
    let predictions = tokens.count - 1
    var total = 0.0, bytes = 0, done = 0
    while done < predictions {
      if Interruption.isRequested { throw Interrupted() }
      let ids = tokens.read(done..<min(tokens.count, done + piece + 1)) { ids in ids.indices.map { ids[$0] } }
      for loss in generator.losses(of: ids) { total += loss }
      for id in ids.dropFirst() { bytes += Int(tokenizer.tokenByteLengths[Int(id)]) }
      done += ids.count - 1
      console.progress(["evaluating", percent(done, predictions)])
    }
    console.endProgress()
    return EvaluationResult(tokens: predictions, bytes: bytes, loss: total / Double(predictions))
  }
}
