/// Why the shape of a GPT or of a translator is impossible.
public enum ModelShapeError: Error, Equatable, CustomStringConvertible {
  case outOfRange(name: String, value: Int, least: Int, most: Int)
  case headsDoNotDivideWidth(heads: Int, width: Int)
  case oddWidth(Int)
  case tooManyParameters(Int)

  /// Throws the first size that does not lie between its least and its most.
  static func check(_ sizes: [(name: String, value: Int, least: Int, most: Int)]) throws(ModelShapeError) {
    for (name, value, least, most) in sizes where value < least || value > most {
      throw .outOfRange(name: name, value: value, least: least, most: most)
    }
  }

  /// Throws where the sizes, each possible by itself, do not go together. `parameters` is asked for last: it is a
  /// product that is only sure not to overflow when the sizes are.
  static func check(
    width: Int, heads: Int, positions: Positions, parameters: @autoclosure () -> Int
  ) throws(ModelShapeError) {
    if width % heads != 0 { throw .headsDoNotDivideWidth(heads: heads, width: width) }
    if positions.haveFixedTable && width % 2 != 0 { throw .oddWidth(width) }
    let parameters = parameters()
    if parameters > 1 << 36 { throw .tooManyParameters(parameters) }
  }

  /// One line for whoever asked for the shape.
  public var description: String {
    switch self {
    case .outOfRange(let name, let value, let least, let most):
      "impossible size: \(name) is \(value), but must lie between \(least) and \(most)"
    case .headsDoNotDivideWidth(let heads, let width):
      "impossible size: \(heads) heads do not divide the width \(width) evenly"
    case .oddWidth(let width): "impossible size: sinusoidal positions need an even width, not \(width)"
    case .tooManyParameters(let count): "impossible size: \(count) parameters"
    }
  }
}
