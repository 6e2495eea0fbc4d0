/// The rule that cuts a text into pieces before pairs are merged: no token reaches across a cut.
///
/// Each is a hand-written scanner that cuts exactly as the published expression does, in linear time. A byte that is
/// not part of well-formed UTF-8 counts as a character that is neither letter, number nor white space.
public enum Splitter: String, Sendable, CaseIterable {
  /// The rule of GPT-2.
  case gpt2
  /// The rule of GPT-4 and of Llama 3.
  case cl100k
  /// The rule of GPT-4o.
  case o200k
  /// The rule of Qwen2 and Qwen3: that of GPT-4, with numerals one by one.
  case qwen2
  /// The rule of SmolLM: numerals stand alone, and what lies between them is cut by GPT-2's rule.
  case smollm
  /// Words are what stands between white space: what a corpus wants that has been tokenised already.
  case spaces
  /// One text, one piece.
  case none

  /// The published expression; empty for `none`. That of `smollm` is published as two steps, and this cuts as both do.
  package var expression: String {
    switch self {
    case .gpt2:
      #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#
    case .cl100k:
      #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"#
        + #"|\s+(?!\S)|\s+"#
    case .o200k:
      #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"#
        + #"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"#
        + #"(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    case .qwen2:
      #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    case .smollm:
      #"'s|'t|'re|'ve|'m|'ll|'d|\p{N}| ?\p{L}+| ?[^\s\p{L}\p{N}]+|\s+(?![^\s\p{N}])|\s+"#
    case .spaces:
      #" ?\S+|\s+(?!\S)|\s+"#
    case .none:
      ""
    }
  }

  /// The pieces of a text, in order, as ranges of bytes; together they are the text.
  package func pieces(of text: Span<UInt8>) -> [Range<Int>] {
    let scanner = PieceScanner(self)
    var pieces: [Range<Int>] = []
    var start = 0
    while start < text.count {
      let end = scanner.end(in: text, from: start)
      pieces.append(start..<end)
      start = end
    }
    return pieces
  }
}
