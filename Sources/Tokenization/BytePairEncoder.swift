/// Encodes with the merges of a tokenizer and keeps the ids of the pieces it has met.
struct BytePairEncoder: TokenEncoder {
  /// Pieces above this length are not kept, and are merged with a heap instead of by looking at all pairs.
  static let longPiece = 48
  /// When so many pieces are known, all are forgotten: memory stays flat whatever the text.
  static let rememberedPieces = 1 << 17

  private let tokenizer: BytePairTokenizer
  private let scanner: PieceScanner
  private var pieces = PieceTable()
  /// Where the ids of a known piece stand in `known`, and how many: the place in the upper bits, the count in the low 8.
  private var found: [Int32] = []
  private var known: [Int32] = []
  /// How many of the pieces the other threads' encoders know too.
  private var settled = 0
  private var tokens: [Int32] = []
  private var ranks: [Int32] = []
  private var long = LongPieceMerger()
  /// Which merges are left out; nil: none.
  var dropout: MergeDropout?

  init(_ tokenizer: BytePairTokenizer, dropout: MergeDropout? = nil) {
    self.tokenizer = tokenizer
    self.dropout = dropout
    scanner = PieceScanner(tokenizer.splitter)
  }

  mutating func encode(_ text: Span<UInt8>, into ids: inout [Int32]) throws(TokenizerError) {
    var start = 0
    for found in tokenizer.addedText?.find(in: text) ?? [] {
      try encodePart(text, start..<found.range.lowerBound, into: &ids)
      ids.append(found.id)
      start = found.range.upperBound
    }
    try encodePart(text, start..<text.count, into: &ids)
  }

  private mutating func encodePart(
    _ text: Span<UInt8>, _ range: Range<Int>, into ids: inout [Int32]
  ) throws(TokenizerError) {
    let part = text.extracting(range)
    do {
      if tokenizer.composes, let composed = Composition.composed(part, scanner) {
        try encodePieces(composed.span, into: &ids)
      } else {
        try encodePieces(part, into: &ids)
      }
    } catch { throw error.moved(by: range.lowerBound) }
  }

  private mutating func encodePieces(_ text: Span<UInt8>, into ids: inout [Int32]) throws(TokenizerError) {
    var start = 0
    while start < text.count {
      let end = scanner.end(in: text, from: start)
      if end - start > Self.longPiece || dropout != nil {
        try merge(start..<end, in: text, into: &ids)
      } else {
        let (piece, isNew) = pieces.number(of: start..<end, in: text)
        if isNew { try learn(start..<end, in: text) }
        let entry = found[piece]
        let first = Int(entry >> 8)
        for place in first..<first + Int(entry & 255) { ids.append(known[place]) }
        if isNew && pieces.count >= Self.rememberedPieces { forget() }
      }
      start = end
    }
  }

  @inline(never)
  private mutating func learn(_ piece: Range<Int>, in text: Span<UInt8>) throws(TokenizerError) {
    let first = known.count
    var ids: [Int32] = []
    swap(&ids, &known)
    defer { swap(&ids, &known) }
    do {
      try merge(piece, in: text, into: &ids)
    } catch {
      // What was counted as known a moment ago is not.
      forget()
      throw error
    }
    found.append(Int32(first << 8 | (ids.count - first)))
  }

  mutating func learn(from other: any TokenEncoder) {
    guard let other = other as? BytePairEncoder else { return }
    let bytes = other.pieces.bytes.span
    for piece in other.settled..<other.pieces.count where pieces.count < Self.rememberedPieces {
      if !pieces.number(of: other.pieces.range(piece), in: bytes).isNew { continue }
      let entry = other.found[piece]
      let first = Int(entry >> 8)
      found.append(Int32(known.count << 8) | entry & 255)
      known += other.known[first..<first + Int(entry & 255)]
    }
  }

  mutating func settle() { settled = pieces.count }

  private mutating func forget() {
    settled = 0
    pieces.removeAll()
    found.removeAll(keepingCapacity: true)
    known.removeAll(keepingCapacity: true)
  }

  /// Appends the ids of a piece.
  private mutating func merge(_ piece: Range<Int>, in text: Span<UInt8>, into ids: inout [Int32]) throws(TokenizerError)
  {
    if dropout == nil, let id = tokenizer.wholePieces?.id(of: piece, in: text) {
      ids.append(id)
      return
    }
    tokens.removeAll(keepingCapacity: true)
    for place in piece {
      let id = tokenizer.byteIds[Int(text[place])]
      if id < 0 { throw .unknownByte(text[place], offset: place) }
      tokens.append(id)
    }
    if tokens.count > Self.longPiece {
      long.merge(&tokens, tokenizer)
    } else if dropout != nil {
      dropout?.merge(&tokens, tokenizer)
    } else {
      Self.mergeShort(&tokens, &ranks, tokenizer)
    }
    ids += tokens
  }

  /// Looks at all pairs, merges the lowest of them, again and again: the quickest way for a few bytes.
  private static func mergeShort(_ all: inout [Int32], _ scratch: inout [Int32], _ tokenizer: BytePairTokenizer) {
    let none = Int32.max
    var count = all.count
    while scratch.count < count { scratch.append(none) }
    do {
      var tokens = all.mutableSpan
      var ranks = scratch.mutableSpan
      for place in 1..<max(1, count) { ranks[place - 1] = tokenizer.rank(tokens[place - 1], tokens[place]) }
      while true {
        var lowest = none
        var place = 0
        for index in 0..<max(1, count) - 1 where ranks[index] < lowest {
          lowest = ranks[index]
          place = index
        }
        if lowest == none { break }
        tokens[place] = tokenizer.result(tokens[place], tokens[place + 1])
        count -= 1
        for index in place + 1..<max(place + 1, count) {
          tokens[index] = tokens[index + 1]
          ranks[index - 1] = ranks[index]
        }
        if place > 0 { ranks[place - 1] = tokenizer.rank(tokens[place - 1], tokens[place]) }
        if place + 1 < count { ranks[place] = tokenizer.rank(tokens[place], tokens[place + 1]) }
      }
    }
    all.removeLast(all.count - count)
  }
}

extension BytePairTokenizer {
  /// The rank of a pair, the largest number if it has none.
  @inline(__always)
  func rank(_ left: Int32, _ right: Int32) -> Int32 {
    let merge = pairs[PairTable.key(left, right)]
    return merge < 0 ? Int32.max : merges[Int(merge)].rank
  }

  /// What a pair that has a rank becomes.
  @inline(__always)
  func result(_ left: Int32, _ right: Int32) -> Int32 {
    merges[Int(pairs[PairTable.key(left, right)])].result
  }
}
