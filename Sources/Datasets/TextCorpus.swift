package import MiniGPTStorage
public import MiniGPTTokenization

/// The text files to learn from, mapped: they need not fit into memory. Or the ids of a text, in a file.
public struct TextCorpus: Sendable {
  package let files: [MappedFile]
  /// The ids, where the file holds those in place of a text.
  package let tokens: TokenSequence?

  /// Bytes in all.
  public let byteCount: Int

  package init(_ paths: [Path]) throws {
    var files: [MappedFile] = []
    for path in paths {
      let file = try MappedFile.copyingPipes(path)
      if file.count == 0 { throw DatasetError.emptyCorpus("\(file.path)") }
      files.append(file)
    }
    self.files = files
    tokens = nil
    byteCount = files.reduce(0) { $0 + $1.count }
  }

  /// Ids in a file, which stand for so many bytes of text.
  package init(_ tokens: TokenSequence, in file: MappedFile, byteCount: Int) {
    files = [file]
    self.tokens = tokens
    self.byteCount = byteCount
  }

  /// Ids in a file, made by a tokenizer.
  package init(_ tokens: TokenSequence, in file: MappedFile, by tokenizer: any Tokenizer) throws {
    let size = tokenizer.vocabularySize
    if let (id, place) = tokens.firstStranger(vocabularySize: size) {
      throw DatasetError.stranger("\(file.path)", id: id, place: place, vocabularySize: size)
    }
    self.init(tokens, in: file, byteCount: tokens.byteCount(tokenizer))
  }

  /// Opens text files.
  public init(_ paths: [String]) throws { try self.init(paths.map { Path($0) }) }

  /// A stretch of one file.
  package struct Part: Sendable {
    package let file: MappedFile
    package let range: Range<Int>

    package var text: CorpusText { .file(file, range) }
  }

  /// The whole, file by file.
  package var parts: [Part] { tokens != nil ? [] : files.map { Part(file: $0, range: 0..<$0.count) } }

  /// Keeps the first ⌊bytes · (1 - fraction)⌋ bytes and holds out the rest, at most `most` bytes of it; the cut never
  /// splits a character. Text that is not UTF-8 is cut at most three bytes on.
  package func split(holdingOut fraction: Double, most: Int) -> (training: [Part], validation: [Part]) {
    let kept = Int(Double(byteCount) * (1 - fraction))
    var training: [Part] = [], validation: [Part] = [], before = 0, left = most
    for file in files {
      var cut = min(max(kept - before, 0), file.count)
      let bytes = file.bytes
      let latest = min(cut + 3, file.count)
      while cut > 0, cut < latest, bytes[cut] & 0xC0 == 0x80 { cut += 1 }
      if cut > 0 { training.append(Part(file: file, range: 0..<cut)) }
      var end = cut + min(left, file.count - cut)
      let earliest = max(cut, end - 3)
      while end > earliest, end < file.count, bytes[end] & 0xC0 == 0x80 { end -= 1 }
      if end > cut { validation.append(Part(file: file, range: cut..<end)) }
      left -= end - cut
      before += file.count
    }
    return (training, validation)
  }

  /// XXH64 over all bytes and the lengths of the files: what `--resume` compares.
  package var fingerprint: UInt64 {
    var hash = XXH64()
    for file in files {
      file.advise(.sequential)
      for start in stride(from: 0, to: file.count, by: 1 << 24) {
        let block = start..<min(start + (1 << 24), file.count)
        hash.update(file.bytes.extracting(block))
        if file.count > 1 << 24 { file.advise(.dontNeed, block) }
      }
      hash.update([UInt64(file.count).littleEndian].rawBytes)
    }
    return hash.digest()
  }
}

/// What a corpus can lack.
public enum DatasetError: Error, Equatable, CustomStringConvertible {
  case emptyCorpus(String)
  /// Too few tokens for one window.
  case tooShort(what: String, tokens: Int, context: Int)
  /// A text that the tokenizer has no ids for.
  case notEncodable(String, TokenizerError)
  /// Lines are to be texts of their own, and no token ends one.
  case noEnd
  /// A file of ids that is none.
  case notIds(String, String)
  /// An id that the tokenizer does not have.
  case stranger(String, id: Int32, place: Int, vocabularySize: Int)
  /// Files in which no line is a pair; the first line shows why.
  case noPairs(String, first: SkippedPair?)

  /// What is wrong with the text of a file, which the error names.
  package static func of(_ error: TokenizerError, _ path: String) -> any Error {
    switch error {
    case .unknownCharacter, .unknownByte: DatasetError.notEncodable(path, error)
    default: error.of(path)
    }
  }

  /// The error in one line.
  public var description: String {
    switch self {
    case .emptyCorpus(let path): "\(path): empty: there is nothing to learn from"
    case .tooShort(let what, let tokens, let context):
      "\(what): too short: \(tokens) token\(tokens == 1 ? "" : "s") to learn from, but a context of \(context) needs at least \(context + 1)"
    case .notEncodable(let path, let error): "\(path): \(error)"
    case .noEnd: "--lines needs a token that ends each text, and the tokenizer has none"
    case .notIds(let path, let why): "\(path): no file of ids: \(why)"
    case .stranger(let path, let id, let place, let size):
      "\(path): the id \(id) at place \(place) is none of the tokenizer's, which are 0 to \(size - 1)"
    case .noPairs(let paths, let first):
      "\(paths): no line is a pair, source TAB target" + (first.map { " (\($0))" } ?? "")
    }
  }
}
