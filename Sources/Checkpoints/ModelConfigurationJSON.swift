package import MiniGPTStorage
package import MiniGPTTensors
package import MiniGPTTransformer

/// The shape of a model, as a checkpoint keeps it.
package protocol ModelConfiguration: Equatable, Sendable {
  /// What checkpoints call such a model.
  static var kind: String { get }
  var vocabularySize: Int { get set }
  var context: Int { get }
  var heads: Int { get }
  var width: Int { get }
  var feedForwardWidth: Int { get }
  var positions: Positions { get }
  var norm: NormPlacement { get }
  var activation: Activation { get }
  var parameterCount: Int { get }
  /// Every value under the name of its flag; this is what a resumed training compares.
  var flags: [(name: String, value: String)] { get }
  var json: JSON { get }
  init(_ field: JSONField) throws(JSONError)
  func validate() throws(ModelShapeError)
}

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

// Shapes as JSON, under the names of the command line's flags.
extension GPTConfiguration: ModelConfiguration {
  package static var kind: String { "gpt" }

  package var flags: [(name: String, value: String)] {
    [
      ("vocab-size", "\(vocabularySize)"), ("context", "\(context)"), ("layers", "\(layers)"), ("heads", "\(heads)"),
      ("embd", "\(width)"), ("ffn", "\(feedForwardWidth)"), ("positions", positions.rawValue), ("norm", norm.rawValue),
      ("activation", activation.rawValue),
    ]
  }

  package var json: JSON {
    [
      "vocab_size": JSON(vocabularySize), "context": JSON(context), "layers": JSON(layers), "heads": JSON(heads),
      "embd": JSON(width), "ffn": JSON(feedForwardWidth), "positions": JSON(positions.rawValue),
      "norm": JSON(norm.rawValue), "activation": JSON(activation.rawValue),
    ]
  }

  package init(_ field: JSONField) throws(JSONError) {
    self.init(
      vocabularySize: try field.field("vocab_size").integer(), context: try field.field("context").integer(),
      layers: try field.field("layers").integer(), heads: try field.field("heads").integer(),
      width: try field.field("embd").integer(), feedForwardWidth: try field.field("ffn").integer(),
      positions: try field.field("positions").choice(Positions.self),
      norm: try field.field("norm").choice(NormPlacement.self),
      activation: try field.field("activation").choice(Activation.self))
    do { try validate() } catch { throw field.outside("a possible shape", "\(error)") }
  }
}

extension TranslatorConfiguration: ModelConfiguration {
  package static var kind: String { "translator" }

  package var flags: [(name: String, value: String)] {
    [
      ("vocab-size", "\(vocabularySize)"), ("context", "\(context)"), ("encoder layers", "\(encoderLayers)"),
      ("decoder layers", "\(decoderLayers)"), ("heads", "\(heads)"), ("embd", "\(width)"),
      ("ffn", "\(feedForwardWidth)"), ("positions", positions.rawValue), ("norm", norm.rawValue),
      ("activation", activation.rawValue),
    ]
  }

  package var json: JSON {
    [
      "vocab_size": JSON(vocabularySize), "context": JSON(context), "encoder_layers": JSON(encoderLayers),
      "decoder_layers": JSON(decoderLayers), "heads": JSON(heads), "embd": JSON(width), "ffn": JSON(feedForwardWidth),
      "positions": JSON(positions.rawValue), "norm": JSON(norm.rawValue), "activation": JSON(activation.rawValue),
    ]
  }

  package init(_ field: JSONField) throws(JSONError) {
    self.init(
      vocabularySize: try field.field("vocab_size").integer(), context: try field.field("context").integer(),
      encoderLayers: try field.field("encoder_layers").integer(),
      decoderLayers: try field.field("decoder_layers").integer(), heads: try field.field("heads").integer(),
      width: try field.field("embd").integer(), feedForwardWidth: try field.field("ffn").integer(),
      positions: try field.field("positions").choice(Positions.self),
      norm: try field.field("norm").choice(NormPlacement.self),
      activation: try field.field("activation").choice(Activation.self))
    do { try validate() } catch { throw field.outside("a possible shape", "\(error)") }
  }
}
