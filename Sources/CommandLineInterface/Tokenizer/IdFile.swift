internal import MiniGPT

/// Ids separated by white space, as `tokenizer encode` writes them.
enum IdFile {
  static func read(_ bytes: [UInt8], _ path: Path, vocabularySize: Int) throws -> [Int32] {
    try bytes.split(whereSeparator: isSpace).map { word in
      do { return try id(Array(word), source: "\(path)", vocabularySize: vocabularySize) } catch let error
        as TokenizerError
      { throw InputError.badText(error, source: "\(path)") }
    }
  }

  static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || 9...13 ~= byte }

  /// The id that a word says.
  static func id(
    _ word: [UInt8], source: String = InputError.standardInput, vocabularySize: Int
  ) throws -> Int32 {
    guard let number = StrictNumber.integer(word) else { throw InputError.noId(word, source: source) }
    guard number >= 0, number < vocabularySize, let id = Int32(exactly: number) else {
      throw TokenizerError.unknownId(number, vocabularySize: vocabularySize)
    }
    return id
  }
}
