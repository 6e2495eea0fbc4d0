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
    var vocabulary = JSONObject(), specials: [JSON] = []
    for (id, (text, type)) in zip(tokens, types).enumerated() {
      switch type {
      case 1: vocabulary.append(JSON.Key(text), .integer(Int64(id)))
      // Rows that no token has, as rounded-up vocabularies do; those at the end come back with the model.
      case 5: continue
      case 3: specials.append(["id": .integer(Int64(id)), "content": .string(text), "special": true])
      default:
        throw .unsupported(
          file.path, "token \(id) is of type \(type); minigpt reads 1 (normal), 3 (control) and 5 (unused)")
      }
    }
    let document: JSON = [
      "added_tokens": .array(specials), "pre_tokenizer": try splitting(file, hasMerges: !merges.isEmpty),
      "model": ["type": "BPE", "vocab": .object(vocabulary), "merges": .array(merges.map { .string($0) })],
    ]
    do throws(TokenizerError) { return try TokenizerJSON.read(document, source: "\(file.path): tokenizer") } catch {
      throw .tokenizer(error)
    }
  }

  private static func splitting(_ file: GGUFFile, hasMerges: Bool) throws(InterchangeError) -> JSON {
    func byteLevel(_ cuts: Bool) -> JSON { ["type": "ByteLevel", "add_prefix_space": false, "use_regex": .bool(cuts)] }
    // Where nothing is merged, nothing need be cut.
    if !hasMerges { return byteLevel(false) }
    guard let rule = try file.text("tokenizer.ggml.pre") else { throw file.missing("tokenizer.ggml.pre") }
    guard let splitter = splitter(rule) else {
      throw .unsupported(file.path, "tokenizer.ggml.pre `\(Path(rule))`; minigpt reads `gpt-2`, `dbrx`, `qwen2` and `smollm`")
    }
    if splitter == .gpt2 { return byteLevel(true) }
    return [
      "type": "Sequence",
      "pretokenizers": [
        ["type": "Split", "pattern": ["Regex": .string(splitter.expression)], "behavior": "Isolated", "invert": false],
        byteLevel(false),
      ],
    ]
  }

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
      if pairs.wholePieceFirst { throw refusal("a vocabulary of tiktoken's ranks, which has no merges of its own") }
      guard let rule = rule(pairs.splitter) else {
        throw refusal("the rule `\(pairs.splitter.rawValue)` that cuts texts, which llama.cpp has no name for")
      }
      writer.add("tokenizer.ggml.pre", rule)
    } else {
      writer.add("tokenizer.ggml.pre", "gpt-2")
    }
    writer.add("tokenizer.ggml.model", "gpt2")
    let special = Set(tokenizer.specialTokens.map(\.id)), unused = Set(tokenizer.unusedIds)
    var names = vocabulary.members.map(\.key.text)[...]
    // Every row has a name; where there is no token, one that no text holds.
    writer.add(
      "tokenizer.ggml.tokens",
      (0..<Int32(tokenizer.vocabularySize)).map { id in
        unused.contains(id) ? "[unused\(id)]" : names.popFirst() ?? ""
      })
    writer.add(
      "tokenizer.ggml.token_type",
      (0..<Int32(tokenizer.vocabularySize)).map { unused.contains($0) ? 5 : special.contains($0) ? 3 : 1 })
    writer.add("tokenizer.ggml.merges", merges)
    writer.add("tokenizer.ggml.bos_token_id", UInt32(begin))
    writer.add("tokenizer.ggml.eos_token_id", UInt32(end))
    if marks.ends.count > 1 { writer.add("tokenizer.ggml.eot_token_id", UInt32(marks.ends[1])) }
    writer.add("tokenizer.ggml.add_bos_token", marks.isPrefixed)
  }

  private static func refusal(_ what: String) -> InterchangeError { .inexpressible(format: "gguf", what) }

  /// The name under which llama.cpp knows a rule that cuts texts; nil where it knows none.
  private static func rule(_ splitter: Splitter) -> String? {
    switch splitter {
    case .gpt2: "gpt-2"
    case .cl100k: "dbrx"
    case .qwen2: "qwen2"
    case .smollm: "smollm"
    case .o200k, .spaces, .none: nil
    }
  }

  /// The rule of that name.
  private static func splitter(_ rule: String) -> Splitter? {
    [Splitter.gpt2, .cl100k, .qwen2, .smollm].first { JSON.Key(self.rule($0) ?? "") == JSON.Key(rule) }
  }
}
