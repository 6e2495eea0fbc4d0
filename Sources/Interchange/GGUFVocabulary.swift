internal import MiniGPTStorage
internal import MiniGPTTokenization

/// The vocabulary in a GGUF file, byte-pair encoding in GPT-2's bytes, as `tokenizer.json` says the same.
enum GGUFVocabulary {
  /// The vocabulary, read as the `tokenizer.json` that says the same.
  static func tokenizer(_ file: GGUFFile) throws(InterchangeError) -> any Tokenizer {
    let kind = try file.text("tokenizer.ggml.model") ?? ""
    if kind != "gpt2" { throw .unsupported(file.path, "tokenizer.ggml.model `\(Path(kind))`; minigpt reads `gpt2`") }
    func texts(_ key: JSON.Key) throws(InterchangeError) -> [String] {
      guard case .texts(let texts)? = file.values[key] else { throw file.missing(key.text) }
      return texts
    }
    let tokens = try texts("tokenizer.ggml.tokens"), merges = try texts("tokenizer.ggml.merges")
    var types = [Int](repeating: 1, count: tokens.count)
    if case .integers(let given)? = file.values["tokenizer.ggml.token_type"] { types = given }
    if types.count != tokens.count {
      throw .broken(file.path, "tokenizer.ggml.token_type", "expected \(tokens.count) values, found \(types.count)")
    }
    var vocabulary = JSONObject(), added: [JSON] = []
    for (id, (text, type)) in zip(tokens, types).enumerated() {
      switch type {
      case 1: vocabulary.append(JSON.Key(text), .integer(Int64(id)))
      // Rows that no token has, as rounded-up vocabularies do; those at the end come back with the model.
      case 5: continue
      case 3, 4: added.append(["id": .integer(Int64(id)), "content": .string(text), "special": .bool(type == 3)])
      default:
        throw .unsupported(
          file.path,
          "token \(id) is of type \(type); minigpt reads 1 (normal), 3 (control), 4 (user-defined) and 5 (unused)")
      }
    }
    let rule = try rule(file, hasMerges: !merges.isEmpty)
    let document: JSON = [
      "added_tokens": .array(added), "pre_tokenizer": TokenizerJSON.splitting(rule.splitter),
      "model": [
        "type": "BPE", "ignore_merges": .bool(rule.wholePieceFirst), "vocab": .object(vocabulary),
        "merges": .array(merges.map { .string($0) }),
      ],
    ]
    do throws(TokenizerError) {
      var tokenizer = try TokenizerJSON.read(document, source: "\(file.path): tokenizer")
      // What holds where the file does not say it.
      tokenizer.marks.isPrefixed = rule.isPrefixed
      return tokenizer
    } catch {
      throw .tokenizer(error)
    }
  }

  /// How texts are cut, and whether a piece that is a token becomes it whatever the merges say.
  private static func rule(_ file: GGUFFile, hasMerges: Bool) throws(InterchangeError) -> Rule {
    // Where nothing is merged, nothing need be cut.
    if !hasMerges { return Rule(name: "", splitter: .none) }
    guard let name = try file.text("tokenizer.ggml.pre") else { throw file.missing("tokenizer.ggml.pre") }
    guard let rule = rules.first(where: { JSON.Key($0.name) == JSON.Key(name) }) else {
      let known = rules.map { "`\($0.name)`" }.joined(separator: ", ")
      throw .unsupported(file.path, "tokenizer.ggml.pre `\(Path(name))`; minigpt reads \(known)")
    }
    return rule
  }

  /// A way of cutting texts that llama.cpp knows by name.
  private struct Rule {
    let name: String
    let splitter: Splitter
    var wholePieceFirst = false
    /// Whether a text begins with a mark.
    var isPrefixed = false
  }

  private static let rules = [
    Rule(name: "gpt-2", splitter: .gpt2), Rule(name: "dbrx", splitter: .cl100k),
    Rule(name: "llama-bpe", splitter: .cl100k, wholePieceFirst: true, isPrefixed: true),
    Rule(name: "qwen2", splitter: .qwen2), Rule(name: "smollm", splitter: .smollm),
  ]

  // MARK: - To write

  /// Adds the vocabulary as `tokenizer.json` has it: byte symbols, and merges as `a b`.
  static func add(_ tokenizer: any Tokenizer, to writer: inout GGUFWriter) throws(InterchangeError) {
    let marks = tokenizer.marks
    guard let end = tokenizer.endOfText, let begin = marks.begin else {
      throw refusal("a vocabulary without a token that begins and ends texts")
    }
    if marks.ends.count > 2 { throw refusal("\(marks.ends.count) tokens that end a text: it has names for two") }
    guard case .object(let document) = TokenizerJSON.value(tokenizer), case .object(let model)? = document["model"],
      case .object(let vocabulary)? = model["vocab"], model["type"] == "BPE"
    else {
      let scalars = (tokenizer as? CharacterTokenizer)?.scalars ?? []
      let others = scalars.filter { $0 >= 0x80 }.compactMap { Unicode.Scalar($0) }
      let some = others.prefix(5).map { String($0) }.joined(separator: ", ") + (others.count > 5 ? ", …" : "")
      throw refusal("a char vocabulary with characters beyond ASCII (\(some)); train with --tokenizer bpe")
    }
    var merges: [String] = []
    if case .array(let list)? = model["merges"] {
      for case .string(let merge) in list { merges.append(merge) }
    }
    if let pairs = tokenizer as? BytePairTokenizer, !merges.isEmpty {
      if pairs.hasSharedRanks { throw refusal("a vocabulary of tiktoken's ranks, which has no merges of its own") }
      let known = rules.filter { $0.splitter == pairs.splitter }
      guard let rule = known.first(where: { $0.wholePieceFirst == pairs.wholePieceFirst }) else {
        let whole = !known.isEmpty && pairs.wholePieceFirst ? " with pieces that are tokens taken whole" : ""
        throw refusal("the rule `\(pairs.splitter.rawValue)` that cuts texts\(whole), which llama.cpp has no name for")
      }
      writer.add("tokenizer.ggml.pre", rule.name)
    } else {
      writer.add("tokenizer.ggml.pre", "gpt-2")
    }
    writer.add("tokenizer.ggml.model", "gpt2")
    let unused = Set(tokenizer.unusedIds)
    var types = [Int32](repeating: 1, count: tokenizer.vocabularySize)
    for id in tokenizer.unusedIds { types[Int(id)] = 5 }
    for token in tokenizer.specialTokens { types[Int(token.id)] = token.isText ? 4 : 3 }
    var names = vocabulary.members.map(\.key.text)[...]
    // Every row has a name; where there is no token, one that no text holds.
    writer.add(
      "tokenizer.ggml.tokens",
      (0..<Int32(tokenizer.vocabularySize)).map { id in
        unused.contains(id) ? "[unused\(id)]" : names.popFirst() ?? ""
      })
    writer.add("tokenizer.ggml.token_type", types)
    writer.add("tokenizer.ggml.merges", merges)
    writer.add("tokenizer.ggml.bos_token_id", UInt32(begin))
    writer.add("tokenizer.ggml.eos_token_id", UInt32(end))
    if marks.ends.count > 1 { writer.add("tokenizer.ggml.eot_token_id", UInt32(marks.ends[1])) }
    writer.add("tokenizer.ggml.add_bos_token", marks.isPrefixed)
  }

  private static func refusal(_ what: String) -> InterchangeError { .inexpressible(format: "gguf", what) }
}
