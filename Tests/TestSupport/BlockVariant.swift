package import MiniGPTTransformer

/// Blocks that differ from GPT-2's in one thing, and in all, of sizes that are multiples of nothing.
package struct BlockVariant: Sendable, CustomStringConvertible {
  package let description: String
  package let block: BlockConfiguration

  private init(_ description: String, _ change: (inout BlockConfiguration) -> Void) {
    self.description = description
    var block = BlockConfiguration(heads: 4, width: 8, feedForwardWidth: 7)
    change(&block)
    self.block = block
  }

  package static let all = [
    BlockVariant("rotary") { $0.positions = .rotary },
    BlockVariant("rotary of another base") { ($0.positions, $0.rotaryBase) = (.rotary, 100) },
    BlockVariant("norms of queries and keys") { $0.normalizesQueriesAndKeys = true },
    BlockVariant("grouped") { $0.keyValueHeads = 2 },
    BlockVariant("one head of keys") { $0.keyValueHeads = 1 },
    BlockVariant("wide heads") { $0.headWidth = 6 },
    BlockVariant("no biases") { $0.hasBiases = false },
    BlockVariant("RMS norms") { $0.normKind = .rms },
    BlockVariant("gated") { ($0.activation, $0.isGated) = (.silu, true) },
    BlockVariant("all of it", Self.qwen),
  ]

  /// Qwen3's way.
  private static func qwen(_ block: inout BlockConfiguration) {
    (block.positions, block.activation, block.isGated) = (.rotary, .silu, true)
    (block.normKind, block.normEpsilon, block.hasBiases) = (.rms, 1e-6, false)
    (block.keyValueHeads, block.headWidth, block.normalizesQueriesAndKeys) = (2, 6, true)
  }

  /// Texts of such blocks.
  package func text(vocabularySize: Int, context: Int, layers: Int) -> GPTConfiguration {
    var shape = GPTConfiguration(vocabularySize: vocabularySize, context: context, layers: layers, block: block)
    // The last of them has an output of its own too.
    shape.isTied = block.normKind == .layer
    return shape
  }

  /// Post-norm for some, as translators often are.
  package func translator(vocabularySize: Int, context: Int, encoder: Int, decoder: Int) -> TranslatorConfiguration {
    var block = block
    if block.normKind == .layer { block.norm = .post }
    return TranslatorConfiguration(
      vocabularySize: vocabularySize, context: context, encoderLayers: encoder, decoderLayers: decoder, block: block)
  }
}
