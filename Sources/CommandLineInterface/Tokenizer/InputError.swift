internal import MiniGPT

/// What is wrong with what was read from stdin, or with ids from a file.
enum InputError: Error, CustomStringConvertible {
  /// A text that the tokenizer cannot encode, or an id that it does not have.
  case badText(TokenizerError, source: String = standardInput)
  case noId([UInt8], source: String = standardInput)
  /// What is wrong with a line of stdin, counted from 1.
  case line(Int, any Error)
  /// A file in which nothing is, where nothing would be learned from it.
  case empty(String)

  /// Opens what is read but not learned from.
  static func namingEmpty<Text>(_ open: () throws -> Text) throws -> Text {
    do { return try open() } catch DatasetError.emptyCorpus(let path) { throw InputError.empty(path) }
  }

  static let standardInput = "standard input"

  var description: String {
    switch self {
    case .badText(let error, let source): "\(source): \(error)"
    case .noId(let word, let source): "\(source): expected ids separated by white space, found \(quoted(word))"
    case .empty(let path): "\(path): empty: there is nothing in it"
    case .line(let number, let error): "\(Self.standardInput), line \(number): \(error)"
    }
  }
}
