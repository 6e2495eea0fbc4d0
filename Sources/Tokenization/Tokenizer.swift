/// What a vocabulary is made of.
public enum TokenizerKind: String, Sendable, CaseIterable {
  /// Bytes and pairs of tokens merged, again and again.
  case bpe
  /// The characters of a text.
  case char
  /// The 256 bytes.
  case byte
}

/// A token that is found by its name and takes no part in merging. It stands for no text, and is written into user text
/// only by those who may, unless it is text itself.
public struct SpecialToken: Sendable, Equatable {
  /// Its number in the vocabulary.
  public let id: Int32
  /// How it is written, such as `<|endoftext|>`.
  public let text: String
  /// Whether it is text that a vocabulary takes whole, such as `<think>`: then every text that holds it holds the token.
  public let isText: Bool

  package init(id: Int32, text: String, isText: Bool = false) {
    self.id = id
    self.text = text
    self.isText = isText
  }

  /// The token that stands between texts and ends them.
  public static let endOfText = "<|endoftext|>"
  /// A translation's first id: the end of a sentence.
  public static let endOfSentence = "</s>"
  /// A translation's second id, never produced.
  public static let unknown = "<unk>"
  /// A translation's last id: what fills a batch up.
  public static let padding = "<pad>"
}

/// Turns text, which is bytes, into ids and ids back into the same bytes. A value that any thread may use.
public protocol Tokenizer: Sendable {
  /// What the vocabulary is made of.
  var kind: TokenizerKind { get }
  /// How many ids there are, special ones included: they are 0 to this less one.
  var vocabularySize: Int { get }
  /// The special tokens in the order of their ids.
  var specialTokens: [SpecialToken] { get }
  /// What begins and ends a text.
  var marks: TextMarks { get set }
  /// Ids that stand for nothing and are never said: a model may have more rows than its vocabulary has tokens.
  var unusedIds: [Int32] { get }
  /// How many bytes each id stands for; special ones for none.
  var tokenByteLengths: [Int32] { get }

  /// The bytes that an id stands for, those of its name for a special one. The id must be in the vocabulary.
  func bytes(of id: Int32) -> [UInt8]

  /// Something that encodes many texts faster than `encode`, because it remembers; not to be shared among threads.
  func makeEncoder() -> any TokenEncoder

  /// The first place at or behind `start` (the text's end if there is none) where the text may be cut in two that
  /// give the same ids one after the other as the text does as a whole.
  func cut(in text: Span<UInt8>, from start: Int) -> Int
}

/// Encodes one text after another and remembers what it has seen.
public protocol TokenEncoder: Sendable {
  /// Appends a text's ids. What looks like a special token is plain text, unless the token is text itself.
  mutating func encode(_ text: Span<UInt8>, into ids: inout [Int32]) throws(TokenizerError)
  /// Takes over what another encoder of the same tokenizer has learned by itself since its last `settle`. No id changes.
  mutating func learn(from other: any TokenEncoder)
  /// What is known now, the others know too.
  mutating func settle()
}

extension TokenEncoder {
  /// Nothing, where nothing is remembered.
  public mutating func learn(from other: any TokenEncoder) {}
  /// Nothing, where nothing is remembered.
  public mutating func settle() {}
}

extension Tokenizer {
  /// None.
  public var unusedIds: [Int32] { [] }

  /// The id of a special token by its name.
  public func id(of special: String) -> Int32? {
    let name = Array(special.utf8)
    return specialTokens.first { Array($0.text.utf8) == name }?.id
  }

  /// Whether an id is that of a special token.
  public func isSpecial(_ id: Int32) -> Bool { specialTokens.contains { $0.id == id } }

  /// The ids of a text. With `allowSpecial`, the names of special tokens in it become their ids.
  public func encode(_ text: Span<UInt8>, allowSpecial: Bool = false) throws(TokenizerError) -> [Int32] {
    var ids: [Int32] = []
    var encoder = makeEncoder()
    try encode(text, with: &encoder, allowSpecial: allowSpecial, into: &ids)
    return ids
  }

  /// The ids of a text. With `allowSpecial`, the names of special tokens in it become their ids.
  public func encode(_ text: [UInt8], allowSpecial: Bool = false) throws(TokenizerError) -> [Int32] {
    try encode(text.span, allowSpecial: allowSpecial)
  }

  /// The ids of a text. With `allowSpecial`, the names of special tokens in it become their ids.
  public func encode(_ text: String, allowSpecial: Bool = false) throws(TokenizerError) -> [Int32] {
    try encode(Array(text.utf8), allowSpecial: allowSpecial)
  }

  /// Appends the ids of a text with an encoder of this tokenizer.
  package func encode(
    _ text: Span<UInt8>, with encoder: inout any TokenEncoder, allowSpecial: Bool, into ids: inout [Int32]
  ) throws(TokenizerError) {
    if !allowSpecial { return try encoder.encode(text, into: &ids) }
    try encode(text, with: &encoder, SpecialTokenFinder(specialTokens), into: &ids)
  }

  /// The same with the names that a finder has.
  func encode(
    _ text: Span<UInt8>, with encoder: inout any TokenEncoder, _ finder: SpecialTokenFinder, into ids: inout [Int32]
  ) throws(TokenizerError) {
    var start = 0
    for found in finder.find(in: text) {
      try moved(by: start) { () throws(TokenizerError) in
        try encoder.encode(text.extracting(start..<found.range.lowerBound), into: &ids)
      }
      ids.append(found.id)
      start = found.range.upperBound
    }
    try moved(by: start) { () throws(TokenizerError) in
      try encoder.encode(text.extracting(start..<text.count), into: &ids)
    }
  }

  private func moved(by distance: Int, _ body: () throws(TokenizerError) -> Void) throws(TokenizerError) {
    do { try body() } catch { throw error.moved(by: distance) }
  }

  /// The bytes of a sequence of ids.
  public func decode(_ ids: [Int32]) throws(TokenizerError) -> [UInt8] {
    var text: [UInt8] = []
    for id in ids {
      if id < 0 || Int(id) >= vocabularySize { throw .unknownId(Int(id), vocabularySize: vocabularySize) }
      text += bytes(of: id)
    }
    return text
  }
}
