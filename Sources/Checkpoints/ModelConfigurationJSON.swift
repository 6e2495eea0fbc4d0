package import Storage
internal import Tensors
package import Transformer

// The shape of a model as JSON, under the names of the command line's flags.
extension GPTConfiguration {
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
