internal import MiniGPTStorage

/// The tokens of a file by their ids, every id once and none left out.
struct TokenList {
  private(set) var specials: [SpecialToken] = []
  /// Their texts as the file writes them, one behind the other.
  private var texts = Vocabulary()
  private var table = PieceTable()
  private var idsInTable: [Int32] = []
  /// Ids that no token has.
  private var gaps: [Int32] = []

  /// The vocabulary of a `tokenizer.json`'s model and its added tokens.
  init(model: TokenizerFields, added: TokenizerFields) throws(TokenizerError) {
    let vocabulary = try model.field("vocab")
    var entries: [(text: String, id: Int32)] = []
    for member in try vocabulary.members() {
      let id = try TokenizerFields.id(member.value) { vocabulary.problem("`\(member.key.text)`", $0) }
      entries.append((member.key.text, id))
    }
    var specials: [SpecialToken] = []
    let isNormalized = try added.optional("normalizer") != nil
    if try added.optional("added_tokens") != nil {
      for token in try added.list("added_tokens") {
        let text = try token.string("content")
        let id = try token.id("id")
        for flag in ["lstrip", "rstrip", "single_word"] where try token.bool(flag) {
          throw token.problem(flag, "`\(text)` takes in what stands around it: not supported")
        }
        // It would be looked for in a text that is normalized already.
        let isASCII = text.utf8.allSatisfy { $0 < 0x80 }
        if isNormalized, !isASCII, try token.bool("normalized") {
          throw token.problem("normalized", "`\(text)` is an added token to normalize: not supported beyond ASCII")
        }
        specials.append(SpecialToken(id: id, text: text, isText: try !token.bool("special")))
      }
    }
    try self.init(entries, specials: specials) { vocabulary.problem("", $0) }
  }

  /// Special tokens may stand among the entries too.
  init(
    _ entries: [(text: String, id: Int32)], specials: [SpecialToken], problem: (String) -> TokenizerError
  ) throws(TokenizerError) {
    var byId: [[UInt8]?] = []
    func put(_ text: [UInt8], _ id: Int32) throws(TokenizerError) {
      while byId.count <= Int(id) { byId.append(nil) }
      if let other = byId[Int(id)], other != text {
        throw problem(
          "the id \(id) is both `\(String(decoding: other, as: UTF8.self))` and `\(String(decoding: text, as: UTF8.self))`"
        )
      }
      byId[Int(id)] = text
    }
    for entry in entries { try put(Array(entry.text.utf8), entry.id) }
    for special in specials { try put(Array(special.text.utf8), special.id) }
    self.specials = specials.sorted { $0.id < $1.id }
    for (id, text) in byId.enumerated() {
      guard let text else {
        // A gap, as published vocabularies have them: an id that is never said.
        gaps.append(Int32(id))
        texts.append([])
        continue
      }
      texts.append(text)
      let (number, isNew) = table.number(of: 0..<text.count, in: text.span)
      if !isNew {
        throw problem("`\(String(decoding: text, as: UTF8.self))` has the ids \(idsInTable[number]) and \(id)")
      }
      idsInTable.append(Int32(id))
    }
    if byId.isEmpty { throw problem("it has no tokens") }
  }

  var count: Int { texts.count }

  func id(of text: [UInt8]) -> Int32? { table.known(0..<text.count, in: text.span).map { idsInTable[$0] } }

  /// The bytes that the tokens stand for, which must be written in byte symbols.
  func byteVocabulary(_ model: TokenizerFields) throws(TokenizerError) -> Vocabulary {
    let special = Set(specials.map(\.id)), gaps = Set(gaps)
    var vocabulary = Vocabulary()
    for id in 0..<Int32(texts.count) {
      if special.contains(id) || gaps.contains(id) {
        vocabulary.append(texts[id])
      } else if let bytes = ByteSymbols.bytes(Array(texts[id])), !bytes.isEmpty {
        vocabulary.append(bytes)
      } else {
        let text = String(decoding: texts[id], as: UTF8.self)
        throw model.problem("vocab", "`\(text)` (id \(id)) is not written in byte symbols: BPE on bytes is expected")
      }
    }
    return vocabulary
  }

  /// The merges, written as strings `a b` or as lists `["a","b"]`.
  func merges(_ model: TokenizerFields) throws(TokenizerError) -> [BytePairTokenizer.Merge] {
    var merges: [BytePairTokenizer.Merge] = []
    for (rank, entry) in try model.list("merges").enumerated() {
      let pair: (left: [UInt8], right: [UInt8])
      switch entry.value {
      case .string(let text):
        let parts = text.utf8.split(separator: 0x20, omittingEmptySubsequences: false)
        if parts.count != 2 { throw entry.problem("", "expected two tokens and a blank between them, found `\(text)`") }
        pair = (Array(parts[0]), Array(parts[1]))
      case .array(let parts):
        guard parts.count == 2, case .string(let left) = parts[0], case .string(let right) = parts[1] else {
          throw entry.problem("", "expected two strings")
        }
        pair = (Array(left.utf8), Array(right.utf8))
      default: throw entry.problem("", "expected a string or a list of two, found \(entry.value.kind)")
      }
      merges.append(try merge(pair.left, pair.right, rank: rank) { entry.problem("", $0) })
    }
    return merges
  }

  /// The merge of two tokens, which must be in the vocabulary, as must what they become.
  func merge(
    _ left: [UInt8], _ right: [UInt8], rank: Int, problem: (String) -> TokenizerError
  ) throws(TokenizerError) -> BytePairTokenizer.Merge {
    func find(_ text: [UInt8]) throws(TokenizerError) -> Int32 {
      guard let id = id(of: text) else {
        throw problem("`\(String(decoding: text, as: UTF8.self))` is not in the vocabulary")
      }
      return id
    }
    return BytePairTokenizer.Merge(
      left: try find(left), right: try find(right), result: try find(left + right), rank: Int32(rank))
  }

  /// The tokens as characters in ascending order, with `<|endoftext|>` last.
  func scalars() throws(TokenizerError) -> [UInt32] {
    let last = Int32(texts.count - 1)
    if specials != [SpecialToken(id: last, text: SpecialToken.endOfText)] {
      throw .file(
        path: "", field: "added_tokens", problem: "expected `\(SpecialToken.endOfText)` alone, as the last id")
    }
    var scalars: [UInt32] = []
    for id in 0..<last {
      let bytes = Array(texts[id])
      let (scalar, length) = bytes.isEmpty ? (UTF8Scalars.broken, 0) : UTF8Scalars.decode(bytes.span, at: 0)
      if scalar == UTF8Scalars.broken || length != bytes.count || scalars.last.map({ $0 >= scalar }) ?? false {
        throw .file(
          path: "", field: "model.vocab", problem: "id \(id): expected single characters in ascending order")
      }
      scalars.append(scalar)
    }
    return scalars
  }
}
