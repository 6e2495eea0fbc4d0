import MiniGPTCheckpoints
import MiniGPTDatasets
import MiniGPTParallel
import MiniGPTStorage
import MiniGPTTensors
import MiniGPTTestSupport
import MiniGPTTokenization
import MiniGPTTraining
import MiniGPTTransformer

let tinyShape = GPTConfiguration(
  vocabularySize: 0, context: 20, layers: 2, heads: 2, width: 24, feedForwardWidth: 40)

/// A training so small that it ends at once.
func tinySetup(
  _ corpus: MiniGPTStorage.Path, threads: Int = 1, set: InstructionSet = .best, of shape: GPTConfiguration = tinyShape,
  change: (inout TrainingConfiguration) -> Void = { _ in }
) throws -> TrainingSetup {
  var configuration = TrainingConfiguration()
  configuration.steps = 12
  configuration.batchSize = 3
  configuration.gradientAccumulation = 2
  configuration.warmup = 3
  configuration.dropout = 0.2
  configuration.evaluateEvery = 4
  configuration.saveEvery = 4
  change(&configuration)
  return TrainingSetup(
    try TextCorpus([corpus]), tokenizer: .characters, shape: shape, configuration: configuration,
    threads: threads, instructionSet: set)
}
