package import MiniGPTDatasets
package import MiniGPTEvaluation

extension MaterialSetup where Material == TextCorpus {
  /// The ladder of this training's own split; nil where nothing is held out, where the corpus is too large, or where
  /// `progress` asked to stop.
  package func countingLadder(
    _ encoded: TextCorpus.Encoded, progress: (Int) -> Bool = { _ in true }
  ) -> CountingLadder? {
    let tokens = encoded.validation.count
    if !isCountable || tokens < 2 { return nil }
    let parts = material.split(validation: validation, configuration)
    return CountingLadder.measure(
      training: parts.training, held: parts.validation,
      bytes: tokens >= TextCorpus.mostValidationTokens ? encoded.validationBytes : .max,
      first: encoded.firstTokenBytes, progress: progress)
  }

  /// Whether the corpus is small enough for n-grams.
  package var isCountable: Bool { material.tokens == nil && material.byteCount <= CountingLadder.mostBytes }
}
