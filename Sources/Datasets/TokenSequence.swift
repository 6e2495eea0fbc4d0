package import MiniGPTParallel
internal import MiniGPTPlatform
package import MiniGPTStorage
package import MiniGPTTokenization

/// The ids of a corpus, one text after another with the tokenizer's marks between them, in a mapped file without a name.
package final class TokenSequence: Sendable {
  package let count: Int
  private let map: MappedFile
  /// The first id's byte.
  private let start: Int

  private convenience init(_ map: MappedFile) { self.init(map, 0..<map.count / 4 * 4) }

  /// The ids in some bytes of a file, four each, little-endian, which begin at a multiple of four.
  package init(_ map: MappedFile, _ bytes: Range<Int>) {
    check(bytes.lowerBound % 4 == 0 && bytes.count % 4 == 0, "ids in the bytes \(bytes)")
    self.map = map
    start = bytes.lowerBound
    count = bytes.count / 4
  }

  /// Some of them, where they are.
  package func part(_ range: Range<Int>) -> TokenSequence {
    TokenSequence(map, start + 4 * range.lowerBound..<start + 4 * range.upperBound)
  }

  /// Hands out the ids of a range.
  package func read<Result, Failure: Error>(
    _ range: Range<Int>, _ body: (Span<Int32>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let map = map
    let bytes = map.bytes.extracting(start..<start + 4 * count)
    guard let ids = bytes.numbers(Int32.self) else { fail("ids that are not aligned") }
    return try body(ids.extracting(range))
  }

  /// Encodes the parts of a corpus with all threads; the ids depend on neither their number nor the pieces.
  ///
  /// - Parameters:
  ///   - form: how the texts are read.
  ///   - most: ids behind this many are left out.
  ///   - folder: where the ids are kept while they are used.
  ///   - progress: called with the bytes encoded so far, of all texts.
  package static func encode(
    _ parts: [TextCorpus.Part], _ tokenizer: any Tokenizer, _ form: TextForm = .plain, most: Int = .max,
    pool: WorkerPool, folder: Path? = nil, progress: (Int) -> Void = { _ in }
  ) throws -> TokenSequence {
    let lines = form.contains(.lines)
    if lines && tokenizer.endOfText == nil { throw DatasetError.noEnd }
    var file = try ScratchFile(in: folder)
    var written = 0, before = 0, isFirst = true
    func append(_ ids: [Int32]) throws {
      let ids = ids.prefix(most - written)
      try file.append(Array(ids).rawBytes)
      written += ids.count
    }
    for part in parts where written < most {
      if !lines { try append(tokenizer.separator(isFirst: isFirst)) }
      // Lines begin with the token that stands between texts; in front of the first there is no text.
      var dropsFirst = isFirst && lines && tokenizer.endOfText != nil
      if !lines { isFirst = false }
      try tokenizer.encode(
        part.text, pool: pool, form, failure: { DatasetError.of($0, "\(part.file.path)") },
        sink: { ids, done in
          try append(dropsFirst ? Array(ids.dropFirst()) : ids)
          if !ids.isEmpty { (dropsFirst, isFirst) = (false, false) }
          progress(before + done)
        })
      before += part.range.count
    }
    return TokenSequence(try file.map())
  }

  /// Ranges that cover it, of a size that is quickly read.
  package var blocks: [Range<Int>] { stride(from: 0, to: count, by: 1 << 18).map { $0..<min(count, $0 + 1 << 18) } }

  /// Bytes of the text that it stands for.
  package func byteCount(_ tokenizer: any Tokenizer) -> Int {
    let lengths = tokenizer.tokenByteLengths
    return blocks.reduce(0) { sum, block in
      read(block) { ids in ids.indices.reduce(sum) { $0 + Int(lengths[Int(ids[$1])]) } }
    }
  }

  /// The first id that is none of a vocabulary, and its place.
  package func firstStranger(vocabularySize: Int) -> (id: Int32, place: Int)? {
    for block in blocks {
      let found = read(block) { ids -> Int? in
        var largest: UInt32 = 0
        for place in ids.indices { largest = max(largest, UInt32(bitPattern: ids[place])) }
        if Int(largest) < vocabularySize { return nil }
        return ids.indices.first { !(0..<vocabularySize).contains(Int(ids[$0])) }
      }
      if let found {
        let place = block.lowerBound + found
        return (read(place..<place + 1) { $0[0] }, place)
      }
    }
    return nil
  }

  /// Ids that stand already somewhere, as `eval --ids` reads them.
  package static func of(_ ids: [Int32]) throws -> TokenSequence {
    var file = try ScratchFile()
    try file.append(ids.rawBytes)
    return TokenSequence(try file.map())
  }
}
