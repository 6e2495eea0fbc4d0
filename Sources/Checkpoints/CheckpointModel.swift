package import MiniGPTTransformer

/// A model whose weights a checkpoint keeps.
package protocol CheckpointModel: Sendable {
  associatedtype Configuration: ModelConfiguration
  var configuration: Configuration { get }
  var layout: ParameterLayout { get }
  init(_ configuration: Configuration)
}

extension GPT: CheckpointModel {}
extension EncoderDecoder: CheckpointModel {}
