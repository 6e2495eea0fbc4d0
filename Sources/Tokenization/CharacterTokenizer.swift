package import MiniGPTParallel
internal import MiniGPTPlatform
internal import Synchronization

/// One id for each character (Unicode scalar) of a text, in the order of their numbers, and `<|endoftext|>` last.
public struct CharacterTokenizer: Tokenizer {
  /// The characters, ascending: the n-th has the id n.
  package let scalars: [UInt32]
  /// What begins and ends a text.
  public var marks: TextMarks
  private let pages: [Int32]
  private let idsOfPages: [Int32]

  /// The characters that a text is made of.
  public init(_ text: [UInt8]) throws(TokenizerError) {
    try self.init([.bytes(text)], pool: WorkerPool(threads: 1))
  }

  /// The characters that texts are made of.
  package init(_ texts: [CorpusText], pool: WorkerPool) throws(TokenizerError) {
    let seen = Seen()
    for text in texts {
      // Parts are cut where a character begins.
      let parts = text.characterParts(size: 1 << 20)
      pool.run(parts.count, Gather(text: text, parts: parts, seen: seen))
      if let broken = seen.broken.withLock({ $0 }) { throw .brokenUTF8(source: text.name, offset: broken) }
    }
    let scalars = seen.scalars.withLock { seen in seen.indices.filter { seen[$0] }.map { UInt32($0) } }
    if scalars.isEmpty { throw .emptyText }
    self.init(scalars: scalars)
  }

  /// The tokenizer of these characters, which must be Unicode scalars in ascending order.
  package init(scalars: [UInt32]) {
    self.scalars = scalars
    marks = TextMarks(begin: Int32(scalars.count), ends: [Int32(scalars.count)])
    // A block of 256 ids for each page that has any, found by the scalar's upper bits.
    var pages = [Int32](repeating: -1, count: 0x1100)
    var ids: [Int32] = []
    for (id, scalar) in scalars.enumerated() {
      check(scalar < 0x110000 && (id == 0 || scalars[id - 1] < scalar), "characters out of order at \(id)")
      let page = Int(scalar >> 8)
      if pages[page] < 0 {
        pages[page] = Int32(ids.count)
        ids += [Int32](repeating: -1, count: 256)
      }
      ids[Int(pages[page]) + Int(scalar & 255)] = Int32(id)
    }
    self.pages = pages
    idsOfPages = ids
  }

  /// What the vocabulary is made of.
  public var kind: TokenizerKind { .char }
  /// How many ids there are, special ones included.
  public var vocabularySize: Int { scalars.count + 1 }
  /// `<|endoftext|>` alone.
  public var specialTokens: [SpecialToken] { [SpecialToken(id: Int32(scalars.count), text: SpecialToken.endOfText)] }
  /// How many bytes each id stands for; special ones for none.
  public var tokenByteLengths: [Int32] { scalars.map { Int32(UTF8Scalars.bytes(of: $0).count) } + [0] }

  /// The bytes that an id stands for, those of its name for a special one. The id must be in the vocabulary.
  public func bytes(of id: Int32) -> [UInt8] {
    check(id >= 0 && Int(id) < vocabularySize, "id \(id) in a vocabulary of \(vocabularySize)")
    if Int(id) == scalars.count { return Array(SpecialToken.endOfText.utf8) }
    return UTF8Scalars.bytes(of: scalars[Int(id)])
  }

  /// An encoder that remembers what it has met.
  public func makeEncoder() -> any TokenEncoder { Encoder(tokenizer: self) }

  /// Where a text may be cut without changing its ids.
  public func cut(in text: Span<UInt8>, from start: Int) -> Int { UTF8Scalars.boundary(in: text, from: start) }

  private struct Encoder: TokenEncoder {
    let tokenizer: CharacterTokenizer

    mutating func encode(_ text: Span<UInt8>, into ids: inout [Int32]) throws(TokenizerError) {
      var place = 0
      while place < text.count {
        let (scalar, length) = UTF8Scalars.decode(text, at: place)
        if scalar == UTF8Scalars.broken { throw .brokenUTF8(source: nil, offset: place) }
        let page = tokenizer.pages[Int(scalar >> 8)]
        let id = page < 0 ? -1 : tokenizer.idsOfPages[Int(page) + Int(scalar & 255)]
        if id < 0 { throw .unknownCharacter(scalar: scalar, offset: place) }
        ids.append(id)
        place += length
      }
    }
  }

  private final class Seen: Sendable {
    let scalars = Mutex([Bool](repeating: false, count: 0x110000))
    let broken = Mutex<Int?>(nil)
  }

  private struct Gather: ParallelWork {
    let text: CorpusText
    let parts: [Range<Int>]
    let seen: Seen

    func callAsFunction(_ part: Int, thread: Int) {
      var found = [Bool](repeating: false, count: 0x110000)
      var broken: Int?
      text.read(parts[part]) { bytes in
        var place = 0
        while place < bytes.count {
          let (scalar, length) = UTF8Scalars.decode(bytes, at: place)
          if scalar == UTF8Scalars.broken {
            broken = parts[part].lowerBound + place
            return
          }
          found[Int(scalar)] = true
          place += length
        }
      }
      seen.scalars.withLock { seen in
        for scalar in found.indices where found[scalar] { seen[scalar] = true }
      }
      if let broken { seen.broken.withLock { $0 = min($0 ?? broken, broken) } }
    }
  }
}
