internal import MiniGPTPlatform

/// Byte-level byte-pair encoding (Sennrich et al. 2016, as GPT-2 has it): a text is cut into pieces, a piece starts as
/// its bytes, and of all neighbours the pair of the lowest rank is merged, the leftmost first, until no pair has a rank.
public struct BytePairTokenizer: Tokenizer {
  /// Where the ids of specials, bytes and merges lie.
  public enum Layout: Sendable, Equatable {
    /// Bytes from 0 in GPT-2's order, merges in the order of their ranks, then these specials.
    case language(specials: [String] = [SpecialToken.endOfText])
    /// 0 is `</s>`, 1 `<unk>`, bytes from 2, merges, last `<pad>`: what Marian's readers expect.
    case translation

    /// The special tokens that come before the bytes.
    package var first: [String] {
      switch self {
      case .language: []
      case .translation: [SpecialToken.endOfSentence, SpecialToken.unknown]
      }
    }

    /// The special tokens that come after the merges.
    package var last: [String] {
      switch self {
      case .language(let specials): specials
      case .translation: [SpecialToken.padding]
      }
    }
  }

  /// Two neighbours that become one token.
  package struct Merge: Sendable, Equatable {
    package let left: Int32
    package let right: Int32
    package let result: Int32
    /// The order of merging; lower comes first. Several pairs may share one.
    package let rank: Int32
  }

  /// The ids of pieces that are tokens.
  struct WholePieces: Sendable {
    private let pieces: PieceTable
    private let ids: [Int32]

    init(_ vocabulary: Vocabulary, specials: [SpecialToken]) {
      let isSpecial = Set(specials.map(\.id))
      var pieces = PieceTable(capacity: vocabulary.count)
      var ids: [Int32] = []
      for id in 0..<Int32(vocabulary.count) where !isSpecial.contains(id) && !vocabulary.range(id).isEmpty {
        if pieces.number(of: vocabulary.range(id), in: vocabulary.bytes.span).isNew { ids.append(id) }
      }
      self.pieces = pieces
      self.ids = ids
    }

    /// Where each piece's number is its id.
    init(_ pieces: PieceTable) {
      self.pieces = pieces
      ids = Array(0..<Int32(pieces.count))
    }

    func id(of piece: Range<Int>, in text: Span<UInt8>) -> Int32? {
      pieces.known(piece, in: text).map { ids[$0] }
    }
  }

  /// The rule that cuts texts into pieces.
  public let splitter: Splitter
  /// The special tokens in the order of their ids.
  public let specialTokens: [SpecialToken]
  /// What begins and ends a text.
  public var marks: TextMarks
  /// Whether texts are brought into Unicode's form NFC before they are cut, as for Qwen.
  public internal(set) var composes = false
  /// Ids without bytes.
  public let unusedIds: [Int32]
  /// In ascending order of rank.
  package let merges: [Merge]
  /// A piece that is a token becomes it whatever the merges say, as in tiktoken.
  package var wholePieceFirst: Bool { wholePieces != nil }
  let vocabulary: Vocabulary
  /// The id of each byte, -1 if the vocabulary lacks it.
  let byteIds: [Int32]
  let pairs: PairTable
  /// Nil unless such a piece comes first.
  let wholePieces: WholePieces?
  /// Finds the added tokens that are text; nil where there are none.
  let addedText: SpecialTokenFinder?
  /// Whether several merges have one rank, as those of tiktoken's ranks do.
  package var hasSharedRanks: Bool { zip(merges, merges.dropFirst()).contains { $0.rank == $1.rank } }

  /// What the vocabulary is made of.
  public var kind: TokenizerKind { .bpe }
  /// How many ids there are, special ones included.
  public var vocabularySize: Int { vocabulary.count }

  init(
    _ vocabulary: Vocabulary, merges: [Merge], specials: [SpecialToken], splitter: Splitter,
    wholePieces: WholePieces? = nil
  ) {
    self.vocabulary = vocabulary
    self.merges = merges
    self.specialTokens = specials
    marks = TextMarks(usual: specials)
    self.splitter = splitter
    self.wholePieces = wholePieces
    let texts = specials.filter(\.isText)
    addedText = texts.isEmpty ? nil : SpecialTokenFinder(texts)
    let isSpecial = Set(specials.map(\.id))
    var byteIds = [Int32](repeating: -1, count: 256)
    for id in 0..<Int32(vocabulary.count) where vocabulary.range(id).count == 1 && !isSpecial.contains(id) {
      byteIds[Int(vocabulary.bytes[vocabulary.range(id).lowerBound])] = id
    }
    self.byteIds = byteIds
    unusedIds = (0..<Int32(vocabulary.count)).filter { vocabulary.range($0).isEmpty && !isSpecial.contains($0) }
    var pairs = PairTable(capacity: merges.count)
    // Where a pair stands twice, the later one counts, as in Hugging Face's reader.
    for index in merges.indices.reversed() {
      _ = pairs.number(of: PairTable.key(merges[index].left, merges[index].right), orInsert: Int32(index))
    }
    self.pairs = pairs
  }

  /// The tokenizer of these merges, which are pairs of ids in the order of GPT-2: bytes 0 to 255, the n-th merge 256 + n,
  /// or the id of the earlier token that has the same bytes.
  package init(merging pairs: [(left: Int32, right: Int32, result: Int32)], layout: Layout, splitter: Splitter) {
    var vocabulary = Vocabulary()
    var specials: [SpecialToken] = []
    func add(_ names: [String]) {
      for name in names {
        specials.append(SpecialToken(id: Int32(vocabulary.count), text: name))
        vocabulary.append(Array(name.utf8))
      }
    }
    add(layout.first)
    let shift = Int32(vocabulary.count)
    for byte in ByteSymbols.order { vocabulary.append([byte]) }
    var merges: [Merge] = []
    merges.reserveCapacity(pairs.count)
    for (rank, pair) in pairs.enumerated() {
      let merge = Merge(
        left: pair.left + shift, right: pair.right + shift, result: pair.result + shift, rank: Int32(rank))
      let next = Int32(vocabulary.count)
      check(merge.left < next && merge.right < next && merge.result <= next, "a merge of tokens to come")
      if merge.result == next { vocabulary.append(joining: merge.left, merge.right) }
      merges.append(merge)
    }
    add(layout.last)
    self.init(vocabulary, merges: merges, specials: specials, splitter: splitter)
  }

  /// The same with unused ids behind the last one, up to so many in all.
  func padded(_ count: Int) -> BytePairTokenizer {
    var vocabulary = vocabulary
    while vocabulary.count < count { vocabulary.append([]) }
    var padded = BytePairTokenizer(
      vocabulary, merges: merges, specials: specialTokens, splitter: splitter, wholePieces: wholePieces)
    padded.marks = marks
    padded.composes = composes
    return padded
  }

  /// How many bytes each id stands for; special ones for none, unless they are text.
  public var tokenByteLengths: [Int32] {
    var lengths = (0..<Int32(vocabulary.count)).map { Int32(vocabulary.range($0).count) }
    for special in specialTokens where !special.isText { lengths[Int(special.id)] = 0 }
    return lengths
  }

  /// The bytes that an id stands for, those of its name for a special one. The id must be in the vocabulary.
  public func bytes(of id: Int32) -> [UInt8] {
    check(id >= 0 && Int(id) < vocabulary.count, "id \(id) in a vocabulary of \(vocabulary.count)")
    return Array(vocabulary[id])
  }

  /// The first merge that gives each id, as its two ids; nil for bytes and special tokens.
  public var origins: [(left: Int32, right: Int32)?] {
    var origins = [(left: Int32, right: Int32)?](repeating: nil, count: vocabulary.count)
    for merge in merges.reversed() { origins[Int(merge.result)] = (merge.left, merge.right) }
    return origins
  }

  /// An encoder that remembers what it has met.
  public func makeEncoder() -> any TokenEncoder { BytePairEncoder(self) }

  /// Where a text may be cut without changing its ids: where no added text goes on, nor a character is composed.
  public func cut(in text: Span<UInt8>, from start: Int) -> Int {
    let scanner = PieceScanner(splitter)
    var cut = scanner.safeCut(in: text, from: start)
    while cut < text.count {
      let isWhole = addedText.map { $0.cut(in: text, at: cut) == cut } ?? true
      // White space composes with nothing before it, but what becomes of the character before may be of another kind.
      if isWhole && !(composes && scanner.classBefore(text, cut) & UnicodeClasses.unsettled != 0) { break }
      cut = scanner.safeCut(in: text, from: cut + 1)
    }
    return cut
  }
}
