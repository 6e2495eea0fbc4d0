internal import MiniGPT

/// What is wrong with what was read from stdin, or with ids from a file.
enum InputError: Error, CustomStringConvertible {
  /// A text that the tokenizer cannot encode, or an id that it does not have.
  case badText(TokenizerError, source: String = standardInput)
  case noId([UInt8], source: String = standardInput)
  /// What is wrong with a line of stdin, counted from 1.
  case line(Int, any Error)

  static let standardInput = "standard input"

  var description: String {
    switch self {
    case .badText(let error, let source): "\(source): \(error)"
    case .noId(let word, let source): "\(source): expected ids separated by white space, found \(quoted(word))"
    case .line(let number, let error): "\(Self.standardInput), line \(number): \(error)"
    }
  }
}
