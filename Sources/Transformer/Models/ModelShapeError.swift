/// Why the shape of a GPT or of a translator is impossible.
public enum ModelShapeError: Error, Equatable, CustomStringConvertible {
  case outOfRange(name: String, value: Int, least: Int, most: Int)
  case headsDoNotDivideWidth(heads: Int, width: Int)
  /// What does not go together, in words.
  case inconsistent(String)
  case tooManyParameters(Int)

  /// One line for whoever asked for the shape.
  public var description: String {
    switch self {
    case .outOfRange(let name, let value, let least, let most):
      "impossible size: \(name) is \(value), but must lie between \(least) and \(most)"
    case .headsDoNotDivideWidth(let heads, let width):
      "impossible size: \(heads) heads do not divide the width \(width) evenly"
    case .inconsistent(let problem): "impossible size: \(problem)"
    case .tooManyParameters(let count): "impossible size: \(count) parameters"
    }
  }
}
