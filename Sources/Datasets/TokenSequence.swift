package import MiniGPTParallel
internal import MiniGPTPlatform
package import MiniGPTStorage
package import MiniGPTTokenization

/// The ids of a corpus, one text after another with the tokenizer's marks between them, in a mapped file without a name.
package final class TokenSequence: Sendable {
  package let count: Int
  private let map: MappedFile

  private init(_ map: MappedFile) {
    self.map = map
    count = map.count / 4
  }

  /// Hands out the ids of a range.
  package func read<Result>(_ range: Range<Int>, _ body: (Span<Int32>) -> Result) -> Result {
    let map = map
    let bytes = map.bytes
    guard let ids = bytes.numbers(Int32.self) else { fail("ids that are not aligned") }
    return body(ids.extracting(range))
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

  /// Ids that stand already somewhere, as `eval --ids` reads them.
  package static func of(_ ids: [Int32]) throws -> TokenSequence {
    var file = try ScratchFile()
    try file.append(ids.rawBytes)
    return TokenSequence(try file.map())
  }
}
