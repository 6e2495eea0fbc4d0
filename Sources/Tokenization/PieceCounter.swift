internal import MiniGPTParallel
internal import Synchronization

/// How often each distinct piece of a text occurs.
struct PieceCounts: Sendable {
  private(set) var pieces = PieceTable()
  private(set) var counts: [Int64] = []

  @inline(__always)
  mutating func add(_ piece: Range<Int>, in text: Span<UInt8>, times: Int64 = 1) {
    let (number, isNew) = pieces.number(of: piece, in: text)
    if isNew { counts.append(times) } else { counts[number] += times }
  }

  /// Counts the pieces of a whole text.
  mutating func add(_ text: Span<UInt8>, _ scanner: PieceScanner) {
    var start = 0
    while start < text.count {
      let end = scanner.end(in: text, from: start)
      add(start..<end, in: text)
      start = end
    }
  }

  mutating func add(_ other: PieceCounts) {
    let text = other.pieces.bytes.span
    for piece in 0..<other.pieces.count { add(other.pieces.range(piece), in: text, times: other.counts[piece]) }
  }
}

/// Counts the pieces of texts on all threads of a pool, each thread in a table of its own.
///
/// Sums do not depend on the order, and the numbers of pieces are used for nothing that shows: the outcome is the same
/// for any number of threads.
struct PieceCounter {
  /// Text handed to a thread at a time.
  static let partSize = 1 << 19

  let scanner: PieceScanner
  /// Names that are no text; nil where all is.
  let names: SpecialTokenFinder?
  let pool: WorkerPool
  /// How many bytes of distinct pieces a thread may gather.
  let limit: Int
  private let tables: [Table]
  private let failure = Failure()

  init(_ splitter: Splitter, _ pool: WorkerPool, limit: Int, leavingOut names: [String] = []) {
    scanner = PieceScanner(splitter)
    self.names = names.isEmpty ? nil : SpecialTokenFinder(names.map { SpecialToken(id: 0, text: $0) })
    self.pool = pool
    self.limit = limit
    tables = (0..<pool.threads).map { _ in Table() }
  }

  /// Counts texts, some parts for each thread between two calls of `progress`, which hears how many bytes are done.
  /// Short texts, such as sentences, share a round.
  func count(_ texts: [CorpusText], progress: (Int) -> Void) throws(TokenizerError) {
    let roundSize = Self.partSize * pool.threads * 8
    var round: [(text: Int, range: Range<Int>)] = [], size = 0, done = 0
    for (number, text) in texts.enumerated() {
      if scanner.splitter == .none && text.count > limit { throw .tooManyPieces(limit: limit) }
      var start = 0
      while start < text.count {
        for part in text.parts(of: start..<text.count, upTo: roundSize - size, size: Self.partSize, scanner, names) {
          round.append((number, part))
          size += part.count
          start = part.upperBound
        }
        if size < roundSize && start == text.count { continue }
        try count(round, of: texts)
        if size >= roundSize { for part in round { texts[part.text].release(part.range) } }
        done += size
        (round, size) = ([], 0)
        progress(done)
      }
    }
    try count(round, of: texts)
    progress(done + size)
  }

  private func count(_ round: [(text: Int, range: Range<Int>)], of texts: [CorpusText]) throws(TokenizerError) {
    pool.run(round.count, Part(counter: self, texts: texts, round: round))
    if let error = failure.first.withLock({ $0 }) { throw error.error }
  }

  /// All that was counted.
  func total() throws(TokenizerError) -> PieceCounts {
    var all = PieceCounts()
    for (thread, table) in tables.enumerated() {
      let own = table.counts.withLock { counts in
        defer { counts = PieceCounts() }
        return counts
      }
      if thread == 0 { all = own } else { all.add(own) }
      if all.pieces.bytes.count > limit { throw .tooManyPieces(limit: limit) }
    }
    return all
  }

  private final class Table: Sendable {
    let counts = Mutex(PieceCounts())
  }

  /// The failure of the first part that has one.
  private final class Failure: Sendable {
    let first = Mutex<(part: Int, error: TokenizerError)?>(nil)

    func note(_ part: Int, _ error: TokenizerError) {
      first.withLock { first in
        if first.map({ part < $0.part }) ?? true { first = (part, error) }
      }
    }
  }

  private struct Part: ParallelWork {
    let counter: PieceCounter
    let texts: [CorpusText]
    let round: [(text: Int, range: Range<Int>)]

    func callAsFunction(_ part: Int, thread: Int) {
      let (number, range) = round[part], text = texts[number]
      counter.tables[thread].counts.withLock { counts in
        text.read(range) { bytes in
          if let broken = UTF8Scalars.firstBroken(in: bytes) {
            let place = range.lowerBound + broken
            counter.failure.note(part, .brokenUTF8(source: text.name, offset: place))
            return
          }
          var start = 0
          for name in counter.names?.find(in: bytes) ?? [] {
            counts.add(bytes.extracting(start..<name.range.lowerBound), counter.scanner)
            start = name.range.upperBound
          }
          counts.add(bytes.extracting(start..<bytes.count), counter.scanner)
          if counts.pieces.bytes.count > counter.limit {
            counter.failure.note(part, .tooManyPieces(limit: counter.limit))
          }
        }
      }
    }
  }
}
