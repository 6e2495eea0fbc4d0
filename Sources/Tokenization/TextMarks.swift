/// What stands before and behind a text in the ids that a model knows. Any of it may be nothing.
///
/// It comes from the tokenizer's special tokens or, for models of other programs, from what their files say, and travels
/// in the checkpoint.
public struct TextMarks: Equatable, Sendable {
  /// What generation begins with where there is no prompt.
  public var begin: Int32?
  /// Each of them ends a text; the first one is written between two.
  public var ends: [Int32]
  /// Whether `begin` stands before every text that is encoded.
  public var isPrefixed: Bool

  /// Marks of one's own.
  public init(begin: Int32?, ends: [Int32], isPrefixed: Bool = false) {
    self.begin = begin
    self.ends = ends
    self.isPrefixed = isPrefixed
  }

  /// Those of a vocabulary of which nothing else is known: `<|endoftext|>` begins and ends, where it is there.
  init(usual specials: [SpecialToken]) {
    let end = specials.first { $0.text == SpecialToken.endOfText }?.id
    self.init(begin: end, ends: end.map { [$0] } ?? [])
  }
}

extension Tokenizer {
  /// The token that is written where a text ends; nil where there is none.
  public var endOfText: Int32? { marks.ends.first }

  /// The ids of a prompt as the model expects them: with the mark before it, which alone stands for an empty prompt.
  ///
  /// Throws where the prompt is empty and no token begins a text.
  public func opening(_ prompt: [Int32]) throws(TokenizerError) -> [Int32] {
    guard let begin = marks.begin else {
      if prompt.isEmpty { throw .noBeginning }
      return prompt
    }
    return prompt.isEmpty || marks.isPrefixed && prompt.first != begin ? [begin] + prompt : prompt
  }

  /// Between one text and the next: the end of the one, the mark before the other. Before the first text, the mark alone.
  package func separator(isFirst: Bool) -> [Int32] {
    let end = isFirst ? nil : endOfText, begin = marks.isPrefixed ? marks.begin : nil
    return (end.map { [$0] } ?? []) + (begin == end ? [] : begin.map { [$0] } ?? [])
  }

  /// The same with unused ids behind the last one, up to so many in all; nil where its kind has none.
  package func padded(to count: Int) -> (any Tokenizer)? {
    switch self {
    case let pairs as BytePairTokenizer: return pairs.padded(count)
    case is ByteTokenizer:
      var vocabulary = Vocabulary()
      for id in 0..<Int32(vocabularySize) { vocabulary.append(bytes(of: id)) }
      var pairs = BytePairTokenizer(vocabulary, merges: [], specials: specialTokens, splitter: .none)
      pairs.marks = marks
      return pairs.padded(count)
    default: return nil
    }
  }
}
