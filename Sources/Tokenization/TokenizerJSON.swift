internal import MiniGPTPlatform
package import MiniGPTStorage

/// Hugging Face's `tokenizer.json`, which is also what a checkpoint carries.
///
/// Byte-level byte pairs as `BPE`; bytes as the same with 256 entries and no merges; characters as `BPE` where all are
/// ASCII, else as `WordLevel` on single characters.
package enum TokenizerJSON {
  static let ownKey: JSON.Key = "minigpt"

  /// The expression that cuts a text into characters, in words that all engines of expressions have.
  static let anyCharacter = #"[\s\S]"#
  /// The same as older files have it, which Hugging Face's engine does not read.
  static let olderAnyCharacter = "(?s)."

  /// The tokenizer as one value, always in the same order.
  package static func value(_ tokenizer: any Tokenizer) -> JSON {
    switch tokenizer {
    case let tokenizer as BytePairTokenizer: return bytePairs(tokenizer)
    case let tokenizer as CharacterTokenizer: return characters(tokenizer)
    default:
      var vocabulary = Vocabulary()
      for id in 0..<Int32(tokenizer.vocabularySize) { vocabulary.append(tokenizer.bytes(of: id)) }
      var pairs = BytePairTokenizer(vocabulary, merges: [], specials: tokenizer.specialTokens, splitter: .none)
      pairs.marks = tokenizer.marks
      return bytePairs(pairs)
    }
  }

  /// What of a tokenizer the format does not say is one member of ours: the marks, and ids behind the last token.
  private static func own(_ tokenizer: any Tokenizer) -> JSON? {
    let marks = tokenizer.marks, last = Int32(tokenizer.vocabularySize - 1)
    let isUsual = marks == TextMarks(usual: tokenizer.specialTokens)
    if isUsual && tokenizer.unusedIds.last != last { return nil }
    return [
      "begin": marks.begin.map { JSON(Int($0)) } ?? nil, "ends": .array(marks.ends.map { JSON(Int($0)) }),
      "prefixed": .bool(marks.isPrefixed), "size": JSON(tokenizer.vocabularySize),
    ]
  }

  /// The text of a `tokenizer.json`, with what only minigpt understands.
  package static func text(_ tokenizer: any Tokenizer, layout: JSONWriter.Layout = .compact) -> [UInt8] {
    do {
      var value = value(tokenizer)
      if let own = own(tokenizer), case .object(var object) = value {
        object.append(ownKey, own)
        value = .object(object)
      }
      return try JSONWriter.write(value, layout: layout)
    } catch {
      fail("a tokenizer that JSON cannot express: \(error)")
    }
  }

  private static func bytePairs(_ tokenizer: BytePairTokenizer) -> JSON {
    var merges: [JSON] = []
    merges.reserveCapacity(tokenizer.merges.count)
    for merge in tokenizer.merges {
      let text = tokenizer.symbols(merge.left) + [0x20] + tokenizer.symbols(merge.right)
      merges.append(.string(String(decoding: text, as: UTF8.self)))
    }
    var vocabulary = JSONObject()
    let unused = Set(tokenizer.unusedIds)
    for id in 0..<Int32(tokenizer.vocabularySize) where !unused.contains(id) {
      vocabulary.append(JSON.Key(String(decoding: tokenizer.symbols(id), as: UTF8.self)), .integer(Int64(id)))
    }
    return document(
      tokenizer, normalizer: tokenizer.composes ? ["type": "NFC"] : nil, splitter: splitting(tokenizer.splitter),
      decoder: byteLevel(prefix: true, trim: true, expression: true),
      model: [
        "type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": nil, "end_of_word_suffix": nil,
        "fuse_unk": false, "byte_fallback": false, "ignore_merges": .bool(tokenizer.wholePieceFirst),
        "vocab": .object(vocabulary), "merges": .array(merges),
      ])
  }

  private static func characters(_ tokenizer: CharacterTokenizer) -> JSON {
    if tokenizer.scalars.allSatisfy({ $0 < 0x80 }) {
      var vocabulary = Vocabulary()
      for scalar in tokenizer.scalars { vocabulary.append([UInt8(scalar)]) }
      vocabulary.append(SpecialToken.endOfText.utf8)
      var pairs = BytePairTokenizer(vocabulary, merges: [], specials: tokenizer.specialTokens, splitter: .none)
      pairs.marks = tokenizer.marks
      return bytePairs(pairs)
    }
    var vocabulary = JSONObject()
    for id in 0..<Int32(tokenizer.vocabularySize) {
      vocabulary.append(JSON.Key(String(decoding: tokenizer.bytes(of: id), as: UTF8.self)), .integer(Int64(id)))
    }
    return document(
      tokenizer, splitter: split(anyCharacter), decoder: ["type": "Fuse"],
      model: ["type": "WordLevel", "vocab": .object(vocabulary), "unk_token": "<unk>"])
  }

  private static func document(
    _ tokenizer: any Tokenizer, normalizer: JSON = nil, splitter: JSON, decoder: JSON, model: JSON
  ) -> JSON {
    let added = tokenizer.specialTokens.map { token -> JSON in
      [
        "id": .integer(Int64(token.id)), "content": .string(token.text), "single_word": false, "lstrip": false,
        "rstrip": false, "normalized": false, "special": .bool(!token.isText),
      ]
    }
    return [
      "version": "1.0", "truncation": nil, "padding": nil, "added_tokens": .array(added), "normalizer": normalizer,
      "pre_tokenizer": splitter, "post_processor": postProcessor(tokenizer), "decoder": decoder, "model": model,
    ]
  }

  /// A translation's sentence ends with `</s>`, a text may begin with a mark; others stay as they are.
  private static func postProcessor(_ tokenizer: any Tokenizer) -> JSON {
    let specials = tokenizer.specialTokens
    func sequence(_ name: String, _ type: Int64) -> JSON {
      ["Sequence": ["id": .string(name), "type_id": .integer(type)]]
    }
    func mark(_ token: SpecialToken, _ type: Int64) -> JSON {
      ["SpecialToken": ["id": .string(token.text), "type_id": .integer(type)]]
    }
    func template(_ single: JSON, _ pair: JSON, _ token: SpecialToken) -> JSON {
      let entry: JSON = [
        "id": .string(token.text), "ids": [.integer(Int64(token.id))], "tokens": [.string(token.text)],
      ]
      return [
        "type": "TemplateProcessing", "single": single, "pair": pair,
        "special_tokens": .object(JSONObject([.init(JSON.Key(token.text), entry)])),
      ]
    }
    if isTranslation(specials), let end = specials.first(where: { $0.text == SpecialToken.endOfSentence }) {
      return template(
        [sequence("A", 0), mark(end, 0)], [sequence("A", 0), mark(end, 0), sequence("B", 1), mark(end, 1)], end)
    }
    if tokenizer.marks.isPrefixed, let begin = specials.first(where: { $0.id == tokenizer.marks.begin }) {
      return template(
        [mark(begin, 0), sequence("A", 0)], [mark(begin, 0), sequence("A", 0), mark(begin, 1), sequence("B", 1)], begin)
    }
    return nil
  }

  static func isTranslation(_ specials: [SpecialToken]) -> Bool {
    specials.last?.text == SpecialToken.padding && specials.contains { $0.text == SpecialToken.endOfSentence }
  }

  /// The steps that cut texts and write their bytes as symbols.
  package static func splitting(_ splitter: Splitter) -> JSON {
    switch splitter {
    case .gpt2: byteLevel(prefix: false, trim: true, expression: true)
    case .none: byteLevel(prefix: false, trim: true, expression: false)
    case .smollm:
      [
        "type": "Sequence",
        "pretokenizers": [
          ["type": "Digits", "individual_digits": true], byteLevel(prefix: false, trim: true, expression: true),
        ],
      ]
    case .cl100k, .o200k, .qwen2, .spaces:
      [
        "type": "Sequence",
        "pretokenizers": [split(splitter.expression), byteLevel(prefix: false, trim: true, expression: false)],
      ]
    }
  }

  private static func split(_ expression: String) -> JSON {
    ["type": "Split", "pattern": ["Regex": .string(expression)], "behavior": "Isolated", "invert": false]
  }

  private static func byteLevel(prefix: Bool, trim: Bool, expression: Bool) -> JSON {
    [
      "type": "ByteLevel", "add_prefix_space": .bool(prefix), "trim_offsets": .bool(trim),
      "use_regex": .bool(expression),
    ]
  }
}

extension BytePairTokenizer {
  /// A token as GPT-2's files write it; a special one by its name.
  func symbols(_ id: Int32) -> [UInt8] {
    let bytes = vocabulary[id]
    return isSpecial(id) ? Array(bytes) : ByteSymbols.text(bytes)
  }
}
