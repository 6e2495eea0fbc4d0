package import MiniGPTParallel

/// Finds the merges of a byte-pair vocabulary: the most frequent pair of neighbours becomes a token, again and again.
///
/// Of equally frequent pairs the one with the smaller left id is taken, then the one with the smaller right id, ids being
/// those of GPT-2's order: the merges are those that Hugging Face's trainer finds in the same text given as a whole.
/// Where a pair gives bytes that are a token already, as `a`+`bc` after `ab`+`c`, it becomes that token and adds nothing
/// to the vocabulary. Counts have 64 bits; memory is in proportion to the distinct pieces.
public struct BPETrainer: Sendable {
  /// How many ids the vocabulary shall have, bytes and special tokens included. It has fewer if the text has too few
  /// pairs.
  public var vocabularySize: Int
  /// Pairs that occur less often are not merged.
  public var minimumFrequency: Int64 = 1
  /// No token has more bytes.
  public var maximumTokenLength = Int.max
  /// The rule that cuts the text.
  public var splitter = Splitter.gpt2
  /// Where special tokens stand.
  public var layout = BytePairTokenizer.Layout.language()
  /// Whether the names of special tokens in the text are those tokens, and nothing is learned of their letters.
  public var allowsSpecial = false

  /// How far training is.
  public enum Progress: Sendable, Equatable {
    /// Bytes of text whose pieces are counted.
    case counting(done: Int, total: Int)
    /// Merges found.
    case merging(done: Int, total: Int)
  }

  /// The bytes of distinct pieces that training takes; each costs 24 bytes of memory and more.
  package static let pieceLimit = 1 << 27

  /// Sizes that a vocabulary may have at most.
  package static let largestVocabulary = 1 << 22

  /// A trainer for a vocabulary of that size.
  public init(vocabularySize: Int) { self.vocabularySize = vocabularySize }

  /// Trains on texts in memory.
  public func train(_ text: [UInt8], threads: Int = 1) throws(TokenizerError) -> BytePairTokenizer {
    try train([.bytes(text)], pool: WorkerPool(threads: threads))
  }

  /// Trains on texts that are read by all threads of a pool. The result does not depend on their number.
  package func train(
    _ texts: [CorpusText], pool: WorkerPool, progress: (Progress) -> Void = { _ in }
  ) throws(TokenizerError) -> BytePairTokenizer {
    try validate()
    let counter = PieceCounter(
      splitter, pool, limit: Self.pieceLimit, leavingOut: allowsSpecial ? layout.first + layout.last : [])
    let total = texts.reduce(0) { $0 + $1.count }
    try counter.count(texts) { done in progress(.counting(done: done, total: total)) }
    return merge(try counter.total(), progress: progress)
  }

  private func validate() throws(TokenizerError) {
    let least = 256 + layout.first.count + layout.last.count
    if !(least...Self.largestVocabulary).contains(vocabularySize) {
      throw .vocabularySize(vocabularySize, allowed: least...Self.largestVocabulary)
    }
  }

  private func merge(_ counts: PieceCounts, progress: (Progress) -> Void) -> BytePairTokenizer {
    let wanted = vocabularySize - layout.first.count - layout.last.count
    var merger = PairMerger(counts, byteIds: ByteSymbols.ids, maximumLength: maximumTokenLength)
    var vocabulary = Vocabulary()
    var tokens = PieceTable(capacity: wanted)
    for byte in ByteSymbols.order {
      vocabulary.append([byte])
      _ = tokens.number(of: 0..<1, in: [byte].span)
    }
    var merges: [(left: Int32, right: Int32, result: Int32)] = []
    var merged = PairTable(capacity: wanted)
    // A file could not tell a token from a special one that is written alike.
    let names = (layout.first + layout.last).compactMap { ByteSymbols.bytes(Array($0.utf8)) }
    while vocabulary.count < wanted, let pair = merger.next(), pair.count >= minimumFrequency {
      let bytes = Array(vocabulary[pair.left]) + vocabulary[pair.right]
      if names.contains(bytes) { continue }
      let (token, isNew) = tokens.number(of: 0..<bytes.count, in: bytes.span)
      if isNew { vocabulary.append(bytes) }
      let result = Int32(token)
      // A pair comes again when its tokens met in a second way after it was merged.
      let rank = Int32(merges.count)
      if merged.number(of: PairTable.key(pair.left, pair.right), orInsert: rank) == rank {
        merges.append((pair.left, pair.right, result))
      }
      merger.merge(pair.left, pair.right, into: result)
      if merges.count % 256 == 0 { progress(.merging(done: vocabulary.count - 256, total: wanted - 256)) }
    }
    progress(.merging(done: vocabulary.count - 256, total: wanted - 256))
    return BytePairTokenizer(merging: merges, layout: layout, splitter: splitter)
  }
}
