import Foundation
import MiniGPTParallel
import MiniGPTTensors
import Testing
import MiniGPTBenchmarks
import MiniGPTTransformer

@Suite(.serialized) struct StepBenchmarkTests {
  private let pool = WorkerPool(threads: 2)

  private func expectChance(_ benchmark: StepBenchmark, tokens: Int, vocabulary: Int) throws {
    let result = try #require(try benchmark.run(warmUp: 1, steps: 3))
    #expect(benchmark.tokens == tokens)
    #expect(result.seconds.count == 3)
    #expect(result.seconds.contains(result.median))
    #expect(result.split.productOperations > 0)
    // Ids drawn by chance teach nothing: the loss is that of a guess, ln V, and what the first weights add to it.
    #expect(abs(result.lastLoss - log(Double(vocabulary))) < 0.5)
    #expect(try benchmark.run(warmUp: 1, steps: 1, shouldStop: { true }) == nil)
  }

  @Test func aGPTTakesSteps() throws {
    let shape = GPTConfiguration(vocabularySize: 50, context: 8, layers: 1, heads: 2, width: 16)
    let kernels = try #require(InstructionSet.best.kernels)
    try expectChance(
      StepBenchmark(shape, batch: 3, on: Processor(pool, kernels)), tokens: 24, vocabulary: 50)
  }

  @Test func aTranslatorTakesSteps() throws {
    let shape = TranslatorConfiguration(
      vocabularySize: 51, context: 16, encoderLayers: 1, decoderLayers: 1, heads: 2, width: 16)
    let kernels = try #require(InstructionSet.best.kernels)
    try expectChance(
      StepBenchmark(shape, pairs: 4, length: 5, on: Processor(pool, kernels)), tokens: 20,
      vocabulary: 50)
  }

  @Test func aStepIsTakenInItsPrecision() throws {
    let shape = GPTConfiguration(vocabularySize: 50, context: 8, layers: 1, heads: 2, width: 16)
    let processor = Processor(pool, try #require(InstructionSet.best.kernels))
    func loss(_ precision: Precision) throws -> Double? {
      try StepBenchmark(shape, batch: 3, precision, on: processor).run(warmUp: 0, steps: 2)?.lastLoss
    }
    let exact = try #require(try loss(.fp32)), rounded = try #require(try loss(.bf16))
    #expect(exact != rounded && abs(exact - rounded) < 0.01)
  }
}
