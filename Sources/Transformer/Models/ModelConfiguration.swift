package import MiniGPTStorage

/// The shape of a model, as a checkpoint keeps it.
package protocol ModelConfiguration: Configurable, BlockStack, Equatable {
  /// What checkpoints call such a model.
  static var kind: String { get }
  var vocabularySize: Int { get set }
  var context: Int { get set }
  var parameterCount: Int { get }
  func validate() throws(ModelShapeError)
}

extension ModelConfiguration {
  /// Reads a shape, and checks it.
  package init(_ field: JSONField) throws(JSONError) {
    try self.init(fields: field)
    do { try validate() } catch { throw field.outside("a possible shape", "\(error)") }
  }

  /// Throws the first size that is impossible, then what does not go together.
  func validateShape() throws(ModelShapeError) {
    for field in Self.fields where !field.isInRange(self) {
      guard case .integers(let range) = field.range, let value = field.value(of: self) as? Int else { continue }
      throw .outOfRange(name: field.noun, value: value, least: range.lowerBound, most: range.upperBound)
    }
    if block.headWidth == nil && block.width % block.heads != 0 {
      throw .headsDoNotDivideWidth(heads: block.heads, width: block.width)
    }
    if let problem = block.problem() { throw .inconsistent(problem) }
    // Last: a product that is only sure not to overflow when the sizes are possible.
    let parameters = parameterCount
    if parameters > 1 << 36 { throw .tooManyParameters(parameters) }
  }
}
