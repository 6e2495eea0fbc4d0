package import MiniGPTTensors
package import MiniGPTTransformer

/// A shape whose training step and generation are timed: those that PyTorch is timed with too.
package struct BenchShape: Sendable {
  package let name: String
  private let model: Model

  private enum Model: Sendable {
    case languageModel(GPTConfiguration, batch: Int)
    case translator(TranslatorConfiguration, pairs: Int, length: Int)
  }

  package static let all = [
    gpt("tiny", layers: 4, heads: 4, width: 128, context: 64, batch: 12, vocabulary: 65),
    gpt("char", layers: 6, heads: 6, width: 384, context: 256, batch: 64, vocabulary: 65),
    gpt("bpe", layers: 6, heads: 6, width: 384, context: 256, batch: 16, vocabulary: 4096),
    // Today's blocks with as many parameters: three matrices of 8/3 C where GPT-2 has two of 4 C.
    today("tiny-qwen3", layers: 4, heads: 4, width: 128, context: 64, batch: 12, vocabulary: 65),
    today("bpe-qwen3", layers: 6, heads: 6, width: 384, context: 256, batch: 16, vocabulary: 4096),
    gpt("gpt2", layers: 12, heads: 12, width: 768, context: 64, batch: 4, vocabulary: 50_257),
    gpt("gpt2-1k", layers: 12, heads: 12, width: 768, context: 1024, batch: 1, vocabulary: 50_257),
    // An update of the preset of that name, without padding: 448 pairs of 15 tokens and `</s>`.
    BenchShape(
      name: "multi30k",
      model: .translator(
        TranslatorConfiguration(
          vocabularySize: 10_000, context: 256, encoderLayers: 4, decoderLayers: 4, heads: 4, width: 128,
          feedForwardWidth: 256), pairs: 448, length: 16)),
  ]

  private static func gpt(
    _ name: String, layers: Int, heads: Int, width: Int, context: Int, batch: Int, vocabulary: Int
  ) -> BenchShape {
    let shape = GPTConfiguration(
      vocabularySize: vocabulary, context: context, layers: layers, heads: heads, width: width)
    return BenchShape(name: name, model: .languageModel(shape, batch: batch))
  }

  private static func today(
    _ name: String, layers: Int, heads: Int, width: Int, context: Int, batch: Int, vocabulary: Int
  ) -> BenchShape {
    var block = BlockConfiguration(
      heads: heads, width: width, feedForwardWidth: (8 * width + 2) / 3, positions: .rotary, activation: .silu)
    (block.normKind, block.isGated, block.hasBiases) = (.rms, true, false)
    block.normalizesQueriesAndKeys = true
    let shape = GPTConfiguration(vocabularySize: vocabulary, context: context, layers: layers, block: block)
    return BenchShape(name: name, model: .languageModel(shape, batch: batch))
  }

  /// The shape as one that generates; nil for a translator.
  package var languageModel: GPTConfiguration? {
    guard case .languageModel(let shape, _) = model else { return nil }
    return shape
  }

  package func benchmark(_ precision: Precision, on processor: Processor) -> StepBenchmark {
    switch model {
    case .languageModel(let shape, let batch):
      StepBenchmark(shape, batch: batch, precision, on: processor)
    case .translator(let shape, let pairs, let length):
      StepBenchmark(shape, pairs: pairs, length: length, precision, on: processor)
    }
  }
}
