package import MiniGPTStorage
package import MiniGPTTransformer

/// A model whose weights a checkpoint keeps.
package protocol CheckpointModel: Sendable {
  associatedtype Configuration: ModelConfiguration
  var configuration: Configuration { get }
  var layout: ParameterLayout { get }
  init(_ configuration: Configuration)
  /// Reads a model folder of Hugging Face that holds such a model.
  static func open(folder: Path) throws(InterchangeError) -> ForeignModel<Self>
}

extension GPT: CheckpointModel {}
extension EncoderDecoder: CheckpointModel {}
