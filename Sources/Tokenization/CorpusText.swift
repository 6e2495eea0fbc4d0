internal import MiniGPTPlatform
package import MiniGPTStorage

/// A text to train on or to encode, held where several threads can read it.
package enum CorpusText: Sendable {
  case bytes([UInt8])
  /// A stretch of a mapped file.
  case file(MappedFile, Range<Int>)

  package var count: Int {
    switch self {
    case .bytes(let bytes): bytes.count
    case .file(_, let range): range.count
    }
  }

  /// What an error calls it.
  package var name: String? {
    switch self {
    case .bytes: nil
    case .file(let file, _): "\(file.path)"
    }
  }

  /// Hands out the bytes of a range.
  package func read<Result: ~Copyable, Failure: Error>(
    _ range: Range<Int>, _ body: (Span<UInt8>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    switch self {
    case .bytes(let bytes): return try body(bytes.span.extracting(range))
    case .file(let file, let part):
      guard let bytes = file.bytes.numbers(UInt8.self) else { fail("bytes that are not aligned for bytes") }
      return try body(bytes.extracting(part).extracting(range))
    }
  }

  /// Throws where a byte is no part of a character.
  package func checkUTF8() throws(TokenizerError) {
    for part in characterParts(size: 1 << 24) {
      let broken = read(part) { UTF8Scalars.firstBroken(in: $0) }
      if let broken { throw .brokenUTF8(source: name, offset: part.lowerBound + broken) }
    }
  }

  /// Gives back the memory of a range that was read: a file of any size then takes little.
  func release(_ range: Range<Int>) {
    guard case .file(let file, let part) = self else { return }
    file.advise(.dontNeed, part.lowerBound + range.lowerBound..<part.lowerBound + range.upperBound)
  }

  /// Ranges of about `size` bytes, about `total` together, from the start of `range`, that `scanner` splits alike
  /// alone and in the text.
  func parts(
    of range: Range<Int>, upTo total: Int, size: Int, _ scanner: PieceScanner, _ names: SpecialTokenFinder?
  ) -> [Range<Int>] {
    var parts: [Range<Int>] = []
    var start = range.lowerBound
    while start < range.upperBound && start - range.lowerBound < total {
      let end = read(start..<range.upperBound) { text in
        if text.count <= size { return text.count }
        let cut = scanner.safeCut(in: text, from: size)
        return names?.cut(in: text, at: cut) ?? cut
      }
      parts.append(start..<start + end)
      start += end
    }
    return parts
  }

  /// Ranges of about `size` bytes that cover the text and begin where a character does.
  func characterParts(size: Int) -> [Range<Int>] {
    var parts: [Range<Int>] = []
    var start = 0
    while start < count {
      let end = read(start..<count) { text in UTF8Scalars.boundary(in: text, from: size) }
      parts.append(start..<start + end)
      start += end
    }
    return parts
  }
}
