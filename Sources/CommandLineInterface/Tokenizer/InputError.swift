internal import MiniGPT

/// What is wrong with what was read from stdin.
enum InputError: Error, CustomStringConvertible {
  /// A text that the tokenizer cannot encode.
  case badText(TokenizerError)
  case noId([UInt8])

  var description: String {
    switch self {
    case .badText(let error): "standard input: \(error)"
    case .noId(let word): "standard input: expected ids separated by white space, found \(quoted(word))"
    }
  }
}
