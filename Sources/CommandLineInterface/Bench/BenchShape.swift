internal import MiniGPT

/// A shape whose training step is timed: those that PyTorch is timed with too.
struct BenchShape: Sendable {
  let name: String
  let batch: Int
  let shape: GPTConfiguration

  private init(
    _ name: String, layers: Int, heads: Int, width: Int, context: Int, batch: Int, vocabulary: Int
  ) {
    self.name = name
    self.batch = batch
    shape = GPTConfiguration(
      vocabularySize: vocabulary, context: context, layers: layers, heads: heads, width: width)
  }

  static let all = [
    BenchShape("tiny", layers: 4, heads: 4, width: 128, context: 64, batch: 12, vocabulary: 65),
    BenchShape("char", layers: 6, heads: 6, width: 384, context: 256, batch: 64, vocabulary: 65),
    BenchShape("bpe", layers: 6, heads: 6, width: 384, context: 256, batch: 16, vocabulary: 4096),
    BenchShape("gpt2", layers: 12, heads: 12, width: 768, context: 64, batch: 4, vocabulary: 50_257),
    BenchShape("gpt2-1k", layers: 12, heads: 12, width: 768, context: 1024, batch: 1, vocabulary: 50_257),
  ]
}
