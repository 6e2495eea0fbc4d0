internal import MiniGPT

/// What is wrong with what was read from stdin.
enum InputError: Error, CustomStringConvertible {
  /// A text that the tokenizer cannot encode.
  case badText(TokenizerError)
  case noId([UInt8])
  /// What is wrong with a line, counted from 1.
  case line(Int, any Error)

  var description: String {
    switch self {
    case .badText(let error): "standard input: \(error)"
    case .noId(let word): "standard input: expected ids separated by white space, found \(quoted(word))"
    case .line(let number, let error): "standard input, line \(number): \(error)"
    }
  }
}
