/// tiktoken's rank files: a token in base64, a blank and its rank on each line.
///
/// A rank is the token's id, and any two neighbours merge that are a token together, that of the lowest rank first.
/// `<|endoftext|>` gets the id that it has in OpenAI's vocabularies of that size, fills the only gap in the ranks, or gets
/// the id behind the last one.
package enum TiktokenRanks {
  /// Whether a file begins as one.
  static func looksLike(_ bytes: [UInt8]) -> Bool {
    let line = bytes.prefix(4096).prefix { $0 != 10 && $0 != 13 }
    let parts = line.split(separator: 0x20, omittingEmptySubsequences: false)
    return parts.count == 2 && Base64.decode(parts[0]) != nil && number(parts[1]) != nil
  }

  static func parse(_ text: [UInt8], source: String, splitter: Splitter?) throws(TokenizerError) -> any Tokenizer {
    func problem(_ line: Int, _ what: String) -> TokenizerError {
      .file(path: source, field: "line \(line + 1)", problem: what)
    }
    var byRank: [(token: [UInt8], line: Int)?] = []
    for (line, content) in text.split(separator: 10, omittingEmptySubsequences: false).enumerated() {
      let content = content.last == 13 ? content.dropLast() : content
      if content.isEmpty { continue }
      let parts = content.split(separator: 0x20, omittingEmptySubsequences: false)
      if parts.count != 2 { throw problem(line, "expected a token in base64, a blank and a rank") }
      guard let token = Base64.decode(parts[0]), !token.isEmpty else {
        throw problem(line, "expected a token in base64")
      }
      guard let rank = number(parts[1]) else {
        throw problem(line, "expected a rank from 0 to \(BPETrainer.largestVocabulary - 1)")
      }
      while byRank.count <= rank { byRank.append(nil) }
      if byRank[rank] != nil { throw problem(line, "a second token of rank \(rank)") }
      byRank[rank] = (token, line)
    }
    var vocabulary = Vocabulary()
    var tokens = PieceTable(capacity: byRank.count), ids: [Int32] = []
    for (rank, entry) in byRank.enumerated() {
      guard let (token, line) = entry else {
        vocabulary.append([])
        continue
      }
      let (earlier, isNew) = tokens.number(of: 0..<token.count, in: token.span)
      if !isNew {
        throw problem(max(line, byRank[Int(ids[earlier])]?.line ?? 0), "this token stands above already")
      }
      ids.append(Int32(rank))
      vocabulary.append(token)
    }
    let merges = merges(vocabulary, tokens, ids)
    let end = SpecialToken(id: endOfText(ranks: byRank.map { $0 != nil }), text: SpecialToken.endOfText)
    if Int(end.id) < vocabulary.count {
      vocabulary.fill(end.id, end.text.utf8)
    } else {
      while vocabulary.count < Int(end.id) { vocabulary.append([]) }
      vocabulary.append(end.text.utf8)
    }
    return BytePairTokenizer(
      vocabulary, merges: merges, specials: [end], splitter: splitter ?? published(byRank.count),
      wholePieces: .init(vocabulary, specials: [end]))
  }

  /// The id of `<|endoftext|>`, given which ranks there are.
  private static func endOfText(ranks: [Bool]) -> Int32 {
    let gaps = ranks.indices.filter { !ranks[$0] }
    switch ranks.count {
    case cl100kCount where gaps.isEmpty: return 100_257
    case o200kCount where gaps.isEmpty: return 199_999
    default: return Int32(gaps.count == 1 ? gaps[0] : ranks.count)
    }
  }

  private static let cl100kCount = 100_256
  private static let o200kCount = 199_998

  /// The rule of OpenAI's vocabulary of that size.
  private static func published(_ count: Int) -> Splitter {
    switch count {
    case cl100kCount: .cl100k
    case o200kCount: .o200k
    default: .gpt2
    }
  }

  /// All ways in which two tokens are a third, in the order of its rank.
  private static func merges(
    _ vocabulary: Vocabulary, _ tokens: PieceTable, _ ids: [Int32]
  ) -> [BytePairTokenizer.Merge] {
    let bytes = vocabulary.bytes.span
    var merges: [BytePairTokenizer.Merge] = []
    var ways: [BytePairTokenizer.Merge] = []
    for id in 0..<Int32(vocabulary.count) {
      let range = vocabulary.range(id)
      ways.removeAll(keepingCapacity: true)
      for middle in range.dropFirst() {
        if let left = tokens.known(range.lowerBound..<middle, in: bytes),
          let right = tokens.known(middle..<range.upperBound, in: bytes)
        {
          ways.append(.init(left: ids[left], right: ids[right], result: id, rank: id))
        }
      }
      ways.sort { ($0.left, $0.right) < ($1.left, $1.right) }
      merges += ways
    }
    return merges
  }

  /// The rank file of a tokenizer; `path` is for the error where ranks cannot express it.
  package static func text(_ tokenizer: any Tokenizer, path: String) throws(TokenizerError) -> [UInt8] {
    let special = Set(tokenizer.specialTokens.map(\.id))
    guard tokenizer.kind != .char else {
      throw .file(path: path, field: "", problem: "tiktoken's ranks are for bytes; this is a char vocabulary")
    }
    // Ranks are ids; where no token of the vocabulary is, there is none in the file.
    let hidden = special.union(tokenizer.unusedIds)
    let count = (0..<Int32(tokenizer.vocabularySize)).last { !hidden.contains($0) }.map { Int($0) + 1 } ?? 0
    let end = SpecialToken(
      id: endOfText(ranks: (0..<Int32(count)).map { !hidden.contains($0) }), text: SpecialToken.endOfText)
    if tokenizer.specialTokens != [end] {
      throw .file(
        path: path, field: "",
        problem: "tiktoken's ranks hold no special tokens: expected \(end.text) alone, as id \(end.id)")
    }
    if let pairs = tokenizer as? BytePairTokenizer {
      // Several merges may give one token; the first of them must come in the order of ids.
      var seen = [Bool](repeating: false, count: pairs.vocabularySize)
      var last = pairs.byteIds.max() ?? -1
      for merge in pairs.merges where !seen[Int(merge.result)] {
        if merge.result <= last {
          throw .file(
            path: path, field: "", problem: "tiktoken's ranks need ids in the order of merging; \(merge.result) is not")
        }
        seen[Int(merge.result)] = true
        last = merge.result
      }
    }
    var text: [UInt8] = []
    for id in 0..<Int32(count) where !hidden.contains(id) {
      text += Base64.encode(tokenizer.bytes(of: id))
      text += Array(" \(id)\n".utf8)
    }
    return text
  }

  private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
    if digits.isEmpty || digits.count > 7 || !digits.allSatisfy({ 48...57 ~= $0 }) { return nil }
    let value = digits.reduce(0) { $0 * 10 + Int($1 - 48) }
    return value < BPETrainer.largestVocabulary ? value : nil
  }
}

/// Base64 with padding (RFC 4648, section 4).
enum Base64 {
  private static let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  private static let values: [UInt8] = {
    var values = [UInt8](repeating: 255, count: 256)
    for (value, letter) in letters.enumerated() { values[Int(letter)] = UInt8(value) }
    return values
  }()

  static func encode(_ bytes: [UInt8]) -> [UInt8] {
    var text: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let count = min(3, bytes.count - start)
      var word: UInt32 = 0
      for place in 0..<3 { word = word << 8 | (place < count ? UInt32(bytes[start + place]) : 0) }
      for place in 0..<4 {
        text.append(place <= count ? letters[Int(word >> UInt32(18 - 6 * place) & 63)] : UInt8(ascii: "="))
      }
    }
    return text
  }

  static func decode(_ text: ArraySlice<UInt8>) -> [UInt8]? {
    if text.count % 4 != 0 { return nil }
    let padding = text.suffix(2).reversed().prefix { $0 == UInt8(ascii: "=") }.count
    var bytes: [UInt8] = []
    var word: UInt32 = 0
    var held = 0
    for letter in text.dropLast(padding) {
      let value = values[Int(letter)]
      if value == 255 { return nil }
      word = word << 6 | UInt32(value)
      held += 6
      if held >= 8 {
        held -= 8
        bytes.append(UInt8(truncatingIfNeeded: word >> UInt32(held)))
      }
    }
    // Bits that no byte uses must be zero.
    if word & ((1 << UInt32(held)) - 1) != 0 { return nil }
    return bytes
  }
}
