internal import MiniGPTStorage

/// What stands beside a tokenizer in a folder of Hugging Face: `added_tokens.json`, and which tokens begin and end a text
/// in `tokenizer_config.json` and `special_tokens_map.json`.
struct TokenizerSiblings {
  private let folder: Path

  init(_ folder: Path) { self.folder = folder }

  /// Tokens that are not in the vocabulary's own file.
  func added() throws -> [SpecialToken] {
    var tokens: [SpecialToken] = []
    try read("added_tokens.json") { root throws(TokenizerError) in
      for member in try root.members() {
        let id = try TokenizerFields.id(member.value) { root.problem("`\(member.key.text)`", $0) }
        tokens.append(SpecialToken(id: id, text: member.key.text))
      }
    }
    return tokens
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
