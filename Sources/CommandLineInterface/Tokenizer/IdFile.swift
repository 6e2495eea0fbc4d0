internal import MiniGPT

/// Ids in a file, separated by white space, as `tokenizer encode` writes them.
enum IdFile {
  static func read(_ bytes: [UInt8], _ path: Path, vocabularySize: Int) throws -> [Int32] {
    var ids: [Int32] = []
    for word in bytes.split(whereSeparator: { $0 == 0x20 || 9...13 ~= $0 }) {
      guard let number = StrictNumber.integer(Array(word)) else { throw IdFileError.noId(path, Array(word)) }
      guard number >= 0, number < vocabularySize, let id = Int32(exactly: number) else {
        throw IdFileError.unknown(path, TokenizerError.unknownId(number, vocabularySize: vocabularySize))
      }
      ids.append(id)
    }
    return ids
  }
}

/// What is wrong with such a file.
enum IdFileError: Error, CustomStringConvertible {
  case noId(Path, [UInt8])
  case unknown(Path, TokenizerError)

  var description: String {
    switch self {
    case .noId(let path, let word): "\(path): expected ids separated by white space, found \(quoted(word))"
    case .unknown(let path, let error): "\(path): \(error)"
    }
  }
}
