internal import MiniGPTStorage

/// GPT-2's own two files: `vocab.json`, from tokens to ids, and `merges.txt`, a merge a line in the order of ranks.
///
/// They do not say which tokens are special: it is those of several bytes that no merge gives. They do not say how
/// texts are cut either: it is as GPT-2 does, or as the class of the tokenizer in a file beside them does.
enum MergesFolder {
  /// What becomes of a text before its pieces are merged.
  struct Form {
    let splitter: Splitter
    let composes: Bool
    static let gpt2 = Form(splitter: .gpt2, composes: false)
    static let qwen2 = Form(splitter: .qwen2, composes: true)
  }

  static func parse(
    vocabulary: [UInt8], merges: [UInt8], added: [SpecialToken] = [], names: (vocabulary: String, merges: String),
    form: Form = .gpt2
  ) throws(TokenizerError) -> any Tokenizer {
    do throws(TokenizerError) {
      var tokenizer = try parse(vocabulary, merges, added, names.merges, form.splitter)
      tokenizer.composes = form.composes
      return tokenizer
    } catch {
      throw error.of(names.vocabulary)
    }
  }

  private static func parse(
    _ vocabulary: [UInt8], _ mergeLines: [UInt8], _ added: [SpecialToken], _ mergesName: String, _ splitter: Splitter
  ) throws(TokenizerError) -> BytePairTokenizer {
    let value: JSON
    do throws(JSONError) { value = try JSONReader.parse(vocabulary.rawBytes) } catch {
      throw .file(path: "", field: "", problem: error.description)
    }
    let root = TokenizerFields(value)
    var entries: [(text: String, id: Int32)] = []
    for member in try root.members() {
      entries.append(
        (member.key.text, try TokenizerFields.id(member.value) { root.problem("`\(member.key.text)`", $0) }))
    }
    let pairs = try pairs(mergeLines, mergesName)
    var given = Set(pairs.map { Data(bytes: $0.left + $0.right) })
    for byte in ByteSymbols.order { given.insert(Data(bytes: ByteSymbols.text([byte]))) }
    // Added tokens may be among those of the vocabulary.
    let addedIds = Set(added.map(\.id))
    let specials = entries.filter { !given.contains(Data(bytes: Array($0.text.utf8))) && !addedIds.contains($0.id) }
      .map { SpecialToken(id: $0.id, text: $0.text) }
    let tokens = try TokenList(entries, specials: specials + added) {
      root.problem("", $0)
    }
    var merges: [BytePairTokenizer.Merge] = []
    for (rank, pair) in pairs.enumerated() {
      merges.append(
        try tokens.merge(pair.left, pair.right, rank: rank) {
          .file(path: mergesName, field: "line \(pair.line)", problem: $0)
        })
    }
    return BytePairTokenizer(
      try tokens.byteVocabulary(root), merges: merges, specials: tokens.specials, splitter: splitter)
  }

  /// Bytes as a key.
  private struct Data: Hashable {
    let bytes: [UInt8]
  }

  private static func pairs(
    _ text: [UInt8], _ name: String
  ) throws(TokenizerError) -> [(left: [UInt8], right: [UInt8], line: Int)] {
    var pairs: [(left: [UInt8], right: [UInt8], line: Int)] = []
    let version = Array("#version".utf8)
    for (number, line) in text.split(separator: 10, omittingEmptySubsequences: false).enumerated() {
      let line = line.last == 13 ? line.dropLast() : line
      if line.isEmpty || number == 0 && line.starts(with: version) { continue }
      let parts = line.split(separator: 0x20, omittingEmptySubsequences: false)
      if parts.count != 2 || parts.contains(where: \.isEmpty) {
        throw .file(path: name, field: "line \(number + 1)", problem: "expected two tokens with a blank between them")
      }
      pairs.append((Array(parts[0]), Array(parts[1]), number + 1))
    }
    return pairs
  }

  /// The two files of a tokenizer; `path` is for the error where they cannot express it.
  static func texts(_ tokenizer: any Tokenizer, path: String) throws(TokenizerError) -> (
    vocabulary: [UInt8], merges: [UInt8]
  ) {
    guard let tokenizer = tokenizer as? BytePairTokenizer else {
      throw .file(
        path: path, field: "", problem: "merges.txt is for byte pairs; this is a \(tokenizer.kind) vocabulary")
    }
    if tokenizer.splitter != .gpt2 || tokenizer.composes {
      let own = tokenizer.composes ? "NFC and `\(tokenizer.splitter.rawValue)`" : "`\(tokenizer.splitter.rawValue)`"
      throw .file(
        path: path, field: "",
        problem: "vocab.json and merges.txt mean GPT-2's split, this is \(own): write a .json file")
    }
    var vocabulary: [UInt8] = Array("{".utf8)
    let unused = Set(tokenizer.unusedIds)
    for id in 0..<Int32(tokenizer.vocabularySize) where !unused.contains(id) {
      if vocabulary.count > 1 { vocabulary.append(UInt8(ascii: ",")) }
      vocabulary += JSONWriter.quoted(String(decoding: tokenizer.symbols(id), as: UTF8.self))
      vocabulary += Array(":\(id)".utf8)
    }
    vocabulary += Array("}\n".utf8)
    var merges = Array("#version: 0.2\n".utf8)
    for merge in tokenizer.merges {
      merges += tokenizer.symbols(merge.left) + [0x20] + tokenizer.symbols(merge.right) + [10]
    }
    return (vocabulary, merges)
  }
}
