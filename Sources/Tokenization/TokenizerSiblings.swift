internal import MiniGPTStorage

/// What stands beside a tokenizer in a folder of Hugging Face: `added_tokens.json`, and in `tokenizer_config.json` and
/// `special_tokens_map.json` which tokens begin and end a text, and what the vocabulary's own files leave open.
struct TokenizerSiblings {
  private let folder: Path

  init(_ folder: Path) { self.folder = folder }

  /// Tokens that are not in the vocabulary's own file. They are special unless another file says otherwise.
  func added() throws -> [SpecialToken] {
    var tokens: [SpecialToken] = [], texts: Set<Int32> = []
    try read("tokenizer_config.json") { root throws(TokenizerError) in
      guard let added = try root.optional("added_tokens_decoder") else { return }
      for member in try added.members() {
        guard let id = Int32(member.key.text) else { throw added.problem("`\(member.key.text)`", "expected an id") }
        if try !added.field(member.key.text).bool("special", missing: true) { texts.insert(id) }
      }
    }
    try read("added_tokens.json") { root throws(TokenizerError) in
      for member in try root.members() {
        let id = try TokenizerFields.id(member.value) { root.problem("`\(member.key.text)`", $0) }
        tokens.append(SpecialToken(id: id, text: member.key.text, isText: texts.contains(id)))
      }
    }
    return tokens
  }

  /// How texts are cut where the vocabulary's own files do not say it: as the class that is named does.
  func form() throws -> MergesFolder.Form {
    var form = MergesFolder.Form.gpt2
    try read("tokenizer_config.json") { root throws(TokenizerError) in
      switch try root.optionalString("tokenizer_class") {
      // The last two are those of any `tokenizer.json`, and say nothing.
      case nil, "GPT2Tokenizer", "GPT2TokenizerFast", "PreTrainedTokenizerFast", "TokenizersBackend": break
      case "Qwen2Tokenizer", "Qwen2TokenizerFast": form = .qwen2
      case let other?:
        throw root.problem(
          "tokenizer_class", "`\(other)` cuts texts in a way that vocab.json and merges.txt do not say")
      }
    }
    return form
  }

  /// Gives a tokenizer the marks that the files name; what they do not name stays.
  func complete(_ tokenizer: inout any Tokenizer) throws {
    // A translation has its own way: sentences end by themselves.
    if TokenizerJSON.isTranslation(tokenizer.specialTokens) { return }
    var marks = tokenizer.marks
    for name in ["special_tokens_map.json", "tokenizer_config.json"] {
      try read(name) { root throws(TokenizerError) in
        if let begin = try id("bos_token", root, tokenizer) { marks.begin = begin }
        if let end = try id("eos_token", root, tokenizer) {
          marks.ends = [end]
          if marks.begin == nil { marks.begin = end }
        }
        // It counts before a template; without a mark that is named there is nothing to add.
        if try root.optional("add_bos_token") != nil {
          let begin = try root.optional("bos_token"), isWanted = try root.bool("add_bos_token")
          marks.isPrefixed = isWanted && begin != nil
        }
      }
    }
    tokenizer.marks = marks
  }

  /// A token by its name, which stands as a string or as an object with its `content`.
  private func id(_ key: String, _ root: TokenizerFields, _ tokenizer: any Tokenizer) throws(TokenizerError) -> Int32? {
    guard let field = try root.optional(key) else { return nil }
    if case .string(let text) = field.value { return tokenizer.id(of: text) }
    return tokenizer.id(of: try field.string("content"))
  }

  private func read(_ name: String, _ body: (TokenizerFields) throws(TokenizerError) -> Void) throws {
    let path = folder.appending(name)
    if !Files.exists(path) { return }
    let bytes = try FileReader.whole(path, limit: TokenizerFile.sizeLimit), root: JSON
    do throws(JSONError) { root = try JSONReader.parse(bytes.rawBytes) } catch {
      throw TokenizerError.file(path: "\(path)", field: "", problem: error.description)
    }
    do throws(TokenizerError) { try body(TokenizerFields(root)) } catch { throw error.of("\(path)") }
  }
}
