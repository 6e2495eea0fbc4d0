package import MiniGPTStorage

extension TokenizerJSON {
  /// The tokenizer that a `tokenizer.json` describes; kinds that minigpt does not have are refused by name.
  package static func parse(_ bytes: RawSpan, source: String) throws(TokenizerError) -> any Tokenizer {
    let value: JSON
    do throws(JSONError) { value = try JSONReader.parse(bytes) } catch {
      throw .file(path: source, field: "", problem: error.description)
    }
    return try read(value, source: source)
  }

  /// The same from a value that is parsed already.
  package static func read(_ value: JSON, source: String) throws(TokenizerError) -> any Tokenizer {
    do throws(TokenizerError) { return try read(TokenizerFields(value)) } catch { throw error.of(source) }
  }

  private static func read(_ root: TokenizerFields) throws(TokenizerError) -> any Tokenizer {
    let model = try root.field("model")
    // Other kinds have vocabularies of other forms: they are refused by name before anything else is looked at.
    // Older files do not name it; what has merges is BPE.
    let hasMerges = try model.optional("merges") != nil
    let type = try hasMerges ? model.optionalString("type") ?? "BPE" : model.string("type")
    if type != "BPE" && type != "WordLevel" {
      throw model.problem("type", "\(type) is not supported: expected BPE on bytes, or WordLevel on characters")
    }
    let composes = try composes(root)
    if composes && type != "BPE" { throw root.problem("normalizer", "NFC is not supported for characters") }
    try checkDecoder(root)
    let tokens = try TokenList(model: model, added: root)
    let mark = try prefix(root, tokens)
    var tokenizer = type == "BPE" ? try bytePairs(root, model, tokens, composes) : try characters(root, tokens)
    if let mark { tokenizer.marks = TextMarks(begin: mark, ends: tokenizer.marks.ends, isPrefixed: true) }
    return try completed(tokenizer, root)
  }

  /// What minigpt itself wrote about the marks of texts and about ids without tokens.
  private static func completed(
    _ tokenizer: any Tokenizer, _ root: TokenizerFields
  ) throws(TokenizerError) -> any Tokenizer {
    guard let own = try root.optional(ownKey.text) else { return tokenizer }
    var completed = tokenizer
    let size = Int(try own.id("size"))
    if size > tokenizer.vocabularySize {
      guard let padded = tokenizer.padded(to: size) else { throw own.problem("size", "\(size) ids, but no byte pairs") }
      completed = padded
    } else if size < tokenizer.vocabularySize {
      throw own.problem("size", "expected at least \(tokenizer.vocabularySize), found \(size)")
    }
    var ends: [Int32] = []
    for end in try own.list("ends") { ends.append(try TokenizerFields.id(end.value) { end.problem("", $0) }) }
    let begin = try own.optional("begin") == nil ? nil : try own.id("begin")
    if let id = (ends + (begin.map { [$0] } ?? [])).first(where: { Int($0) >= size }) {
      throw own.problem("ends", "id \(id) in a vocabulary of \(size)")
    }
    completed.marks = TextMarks(begin: begin, ends: ends, isPrefixed: try own.bool("prefixed"))
    return completed
  }

  /// The token that a template puts before each text; nil where there is none. Other templates are refused, but for that
  /// of a translation, whose sentences have their end by themselves.
  private static func prefix(_ root: TokenizerFields, _ tokens: TokenList) throws(TokenizerError) -> Int32? {
    guard let field = try root.optional("post_processor") else { return nil }
    var prefix: Int32?
    for processor in try field.string("type") == "Sequence" ? field.list("processors") : [field] {
      switch try processor.string("type") {
      case "ByteLevel": continue
      case "TemplateProcessing":
        var parts: [String?] = []
        for part in try processor.list("single") {
          let special = try part.optional("SpecialToken")
          parts.append(try special?.string("id"))
        }
        if parts == [nil] || parts == [nil, SpecialToken.endOfSentence] && isTranslation(tokens.specials) { continue }
        guard parts.count == 2, prefix == nil, let name = parts[0], parts[1] == nil,
          let token = tokens.specials.first(where: { $0.text == name })
        else {
          throw processor.problem(
            "single", "expected the text, with one special token of the vocabulary before it at most")
        }
        prefix = token.id
      case let type: throw processor.problem("type", "`\(type)` is not supported: it may change ids")
      }
    }
    return prefix
  }

  /// Whether texts are brought into Unicode's form NFC; anything else that changes them is refused.
  private static func composes(_ root: TokenizerFields) throws(TokenizerError) -> Bool {
    guard let normalizer = try root.optional("normalizer") else { return false }
    let type = try normalizer.string("type")
    if type == "NFC" { return true }
    throw root.problem("normalizer", "\(type) is not supported: minigpt encodes the bytes as they are, or NFC's")
  }

  /// What turns ids back into text must be what minigpt does.
  private static func checkDecoder(_ root: TokenizerFields) throws(TokenizerError) {
    guard let decoder = try root.optional("decoder") else { return }
    let type = try decoder.string("type")
    if type != "ByteLevel" && type != "Fuse" {
      throw decoder.problem("type", "`\(type)` is not supported: expected ByteLevel or Fuse")
    }
  }

  private static func bytePairs(
    _ root: TokenizerFields, _ model: TokenizerFields, _ tokens: TokenList, _ composes: Bool
  ) throws(TokenizerError) -> any Tokenizer {
    for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
      if let text = try model.optionalString(key), !text.isEmpty {
        throw model.problem(key, "`\(text)` is not supported: expected none")
      }
    }
    if let dropout = try model.optional("dropout"), dropout.value != 0, dropout.value != 0.0 {
      throw model.problem("dropout", "expected none: it cuts texts by chance")
    }
    if try model.bool("byte_fallback") {
      throw model.problem("byte_fallback", "not supported: expected a vocabulary of byte symbols")
    }
    let splitter = try splitter(root)
    let vocabulary = try tokens.byteVocabulary(model)
    let merges = try tokens.merges(model)
    let ignoresMerges = try model.bool("ignore_merges")
    var tokenizer = BytePairTokenizer(
      vocabulary, merges: merges, specials: tokens.specials, splitter: splitter,
      wholePieces: ignoresMerges ? .init(vocabulary, specials: tokens.specials) : nil)
    tokenizer.composes = composes
    return merges.isEmpty && splitter == .none && !composes ? simplest(tokenizer) : tokenizer
  }

  /// Without merges and cuts a vocabulary may be that of the bytes, or that of the characters of an ASCII text.
  private static func simplest(_ tokenizer: BytePairTokenizer) -> any Tokenizer {
    let count = tokenizer.vocabularySize - 1
    if tokenizer.specialTokens != [SpecialToken(id: Int32(count), text: SpecialToken.endOfText)] { return tokenizer }
    let bytes = Array(tokenizer.vocabulary.bytes.prefix(count))
    if bytes == ByteSymbols.order { return ByteTokenizer() }
    let isAscending = zip(bytes, bytes.dropFirst()).allSatisfy { $0 < $1 }
    let isText = bytes.count == count && bytes.allSatisfy { $0 < 0x80 }
    return isAscending && isText && count > 0 ? CharacterTokenizer(scalars: bytes.map { UInt32($0) }) : tokenizer
  }

  private static func characters(_ root: TokenizerFields, _ tokens: TokenList) throws(TokenizerError) -> any Tokenizer {
    let cut = try root.field("pre_tokenizer")
    let type = try cut.string("type")
    let expression = type == "Split" ? try cut.expression() : ""
    if expression != anyCharacter && expression != olderAnyCharacter {
      throw root.problem(
        "pre_tokenizer", "expected a Split on `\(anyCharacter)`, as WordLevel is read for characters only")
    }
    return CharacterTokenizer(scalars: try tokens.scalars())
  }

  private static func splitter(_ root: TokenizerFields) throws(TokenizerError) -> Splitter {
    guard let field = try root.optional("pre_tokenizer") else {
      throw root.problem("pre_tokenizer", "missing: BPE that is not on bytes is not supported")
    }
    switch try field.string("type") {
    case "ByteLevel":
      return try byteLevel(field) ? .gpt2 : .none
    case "Sequence":
      let parts = try field.list("pretokenizers")
      var types: [String] = []
      for part in parts { types.append(try part.string("type")) }
      if types == ["Digits", "ByteLevel"] { return try digits(parts[0], parts[1]) }
      if types != ["Split", "ByteLevel"] {
        let found = types.map { "`\($0)`" }.joined(separator: ", ")
        throw field.problem("pretokenizers", "expected a Split or Digits, and a ByteLevel behind it, found \(found)")
      }
      let expression = try parts[0].expression()
      let isByteLevelSplit = try byteLevel(parts[1])
      if !isByteLevelSplit, let known = Splitter(expression: expression) { return known }
      throw parts[0].problem("pattern", "`\(expression)` is a rule that minigpt does not have")
    case let other:
      throw field.problem("type", "\(other) is not supported: expected ByteLevel, or a Split before it")
    }
  }

  /// Numerals one by one, and the rest by GPT-2's rule.
  private static func digits(_ digits: TokenizerFields, _ rest: TokenizerFields) throws(TokenizerError) -> Splitter {
    if try !digits.bool("individual_digits") {
      throw digits.problem("individual_digits", "false is not supported: expected digits one by one")
    }
    if try !byteLevel(rest) {
      throw rest.problem("use_regex", "false is not supported behind Digits: expected GPT-2's rule")
    }
    return .smollm
  }

  /// Whether a ByteLevel step cuts the text as GPT-2 does.
  private static func byteLevel(_ field: TokenizerFields) throws(TokenizerError) -> Bool {
    if try field.bool("add_prefix_space", missing: true) {
      throw field.problem("add_prefix_space", "true is not supported: minigpt encodes the bytes as they are")
    }
    return try field.bool("use_regex", missing: true)
  }
}

extension Splitter {
  /// The rule that is published as this expression.
  init?(expression: String) {
    let found = Splitter.allCases.first { $0 != .none && JSON.Key($0.expression) == JSON.Key(expression) }
    guard let found else { return nil }
    self = found
  }
}
