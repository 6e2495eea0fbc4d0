internal import MiniGPTPlatform

/// One id for each byte, in GPT-2's order, and `<|endoftext|>` last: 257.
public struct ByteTokenizer: Tokenizer {
  /// What begins and ends a text.
  public var marks = TextMarks(begin: 256, ends: [256])

  /// There is only one.
  public init() {}

  /// What the vocabulary is made of.
  public var kind: TokenizerKind { .byte }
  /// How many ids there are, special ones included.
  public var vocabularySize: Int { 257 }
  /// `<|endoftext|>` alone.
  public var specialTokens: [SpecialToken] { [SpecialToken(id: 256, text: SpecialToken.endOfText)] }
  /// How many bytes each id stands for; special ones for none.
  public var tokenByteLengths: [Int32] { [Int32](repeating: 1, count: 256) + [0] }

  /// The bytes that an id stands for, those of its name for a special one. The id must be in the vocabulary.
  public func bytes(of id: Int32) -> [UInt8] {
    check(0...256 ~= id, "id \(id) in a vocabulary of 257")
    return id < 256 ? [ByteSymbols.order[Int(id)]] : Array(SpecialToken.endOfText.utf8)
  }

  /// An encoder that remembers what it has met.
  public func makeEncoder() -> any TokenEncoder { Encoder() }

  /// Where a text may be cut without changing its ids.
  public func cut(in text: Span<UInt8>, from start: Int) -> Int { min(start, text.count) }

  private struct Encoder: TokenEncoder {
    private let ids = ByteSymbols.ids

    mutating func encode(_ text: Span<UInt8>, into ids: inout [Int32]) {
      ids.reserveCapacity(ids.count + text.count)
      for place in 0..<text.count { ids.append(self.ids[Int(text[place])]) }
    }
  }
}
