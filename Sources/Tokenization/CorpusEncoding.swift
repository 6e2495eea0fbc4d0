package import MiniGPTParallel
internal import MiniGPTPlatform
internal import Synchronization

/// Encodes texts of any size on all threads of a pool. Each thread has an encoder, which remembers from text to text, and
/// learns between the first rounds what the others met. Those are short: there most pieces are new to everybody, and later
/// ones are rare, which another thread hardly meets.
struct ParallelEncoder: Sendable {
  private let tokenizer: any Tokenizer
  /// Names that become ids; nil where all is plain text.
  private let finder: SpecialTokenFinder?
  private let pool: WorkerPool
  private let threads: [EncodingThread]
  /// Many small parts: no thread waits long for another's last one.
  private static let partsPerThread = 64
  /// The parts of the next round.
  private var round: Int

  init(_ tokenizer: any Tokenizer, _ pool: WorkerPool, allowSpecial: Bool = false) {
    self.tokenizer = tokenizer
    finder = allowSpecial ? SpecialTokenFinder(tokenizer.specialTokens) : nil
    self.pool = pool
    threads = (0..<pool.threads).map { _ in EncodingThread(tokenizer.makeEncoder()) }
    round = pool.threads * 4
  }

  /// See `Tokenizer.encode`.
  mutating func encode<Failure: Error>(
    _ text: CorpusText, partSize: Int, separatingLines: Bool, failure: (TokenizerError) -> Failure,
    sink: (_ ids: [Int32], _ done: Int) throws(Failure) -> Void
  ) throws(Failure) {
    let lines = separatingLines ? LineEncoding(separator: tokenizer.endOfText) : nil
    // Their memory serves round after round.
    let limit = pool.threads * Self.partsPerThread
    let results = (0..<min(limit, text.count / partSize + 1)).map { _ in EncodedPart() }
    var start = 0
    while start < text.count {
      let first = start
      var parts: [Range<Int>] = []
      while parts.count < min(round, results.count) && start < text.count {
        let end = text.read(start..<text.count) { rest in
          if rest.count <= partSize { return rest.count }
          if separatingLines { return lineEnd(in: rest, from: partSize) }
          let cut = tokenizer.cut(in: rest, from: partSize)
          return finder?.cut(in: rest, at: cut) ?? cut
        }
        parts.append(start..<start + end)
        start += end
      }
      pool.run(
        parts.count,
        EncodeParts(
          text: text, parts: parts, threads: threads, results: results,
          way: EncodingWay(tokenizer: tokenizer, lines: lines, finder: finder)))
      if round < limit {
        shareWhatWasLearned()
        round = min(round * 2, limit)
      }
      for (part, result) in zip(parts, results) {
        let (ids, error) = result.outcome.withLock { ($0.ids, $0.error) }
        if let error { throw failure(error) }
        try sink(ids, part.upperBound)
      }
      // Short texts stay where they are: giving them back would cost more than it brings.
      if start - first >= 1 << 20 { text.release(first..<start) }
    }
  }

  /// The first thread learns from all others, then all others from it.
  private func shareWhatWasLearned() {
    for other in threads.dropFirst() { threads[0].learn(from: other) }
    for other in threads.dropFirst() { other.learn(from: threads[0]) }
    for thread in threads { thread.settle() }
  }
}

extension Tokenizer {
  /// Encodes a text of any size on all threads of a pool, and hands out its ids in order, some megabytes of text at a
  /// time. They are those of `encode`, for any number of threads.
  ///
  /// In the form of `.lines`, each line that is not empty is a text of its own, without its end, and begins with
  /// `<|endoftext|>` where the vocabulary has it.
  ///
  /// `sink` gets the ids and how many bytes of the text are done.
  package func encode<Failure: Error>(
    _ text: CorpusText, pool: WorkerPool, partSize: Int = 1 << 16, _ form: TextForm = .plain,
    failure: (TokenizerError) -> Failure, sink: (_ ids: [Int32], _ done: Int) throws(Failure) -> Void
  ) throws(Failure) {
    var encoder = ParallelEncoder(self, pool, allowSpecial: form.contains(.specials))
    try encoder.encode(
      text, partSize: partSize, separatingLines: form.contains(.lines), failure: failure, sink: sink)
  }

  /// All ids of a text.
  package func encode(_ text: CorpusText, pool: WorkerPool) throws(TokenizerError) -> [Int32] {
    var all: [Int32] = []
    try encode(text, pool: pool, failure: { $0 }) { (ids, _) throws(TokenizerError) in all += ids }
    return all
  }
}

/// How a text is read.
package struct TextForm: OptionSet, Sendable {
  package let rawValue: Int
  package init(rawValue: Int) { self.rawValue = rawValue }

  /// One text, in which special tokens' names are plain text.
  package static let plain: Self = []
  /// Each line is a text of its own.
  package static let lines = Self(rawValue: 1)
  /// Names of special tokens become their ids.
  package static let specials = Self(rawValue: 2)
}

/// Behind the first end of a line at or behind `start`, or the text's end.
private func lineEnd(in text: Span<UInt8>, from start: Int) -> Int {
  var place = start
  while place < text.count && text[place] != UInt8(ascii: "\n") { place += 1 }
  return min(place + 1, text.count)
}

/// What is done with each part of a text.
private struct EncodingWay {
  let tokenizer: any Tokenizer
  let lines: LineEncoding?
  let finder: SpecialTokenFinder?
}

/// Encodes lines as texts of their own.
private struct LineEncoding {
  let separator: Int32?

  /// Lines end with LF or CR LF; a byte order mark at the beginning of a file is no part of the first one.
  func encode(
    _ text: Span<UInt8>, isFirst: Bool, with encoder: inout any TokenEncoder, into ids: inout [Int32]
  ) throws(TokenizerError) {
    var start = isFirst ? TextLine.markLength(text) : 0
    while start < text.count {
      let next = lineEnd(in: text, from: start)
      let newline = text[next - 1] == UInt8(ascii: "\n") ? next - 1 : next
      let end = TextLine.contentEnd(text, from: start, to: newline)
      if end > start {
        if let separator { ids.append(separator) }
        do { try encoder.encode(text.extracting(start..<end), into: &ids) } catch { throw error.moved(by: start) }
      }
      start = next
    }
  }
}

private final class EncodingThread: Sendable {
  private let encoder: Mutex<any TokenEncoder>
  init(_ encoder: any TokenEncoder) { self.encoder = Mutex(encoder) }

  func encode(
    _ text: CorpusText, _ range: Range<Int>, _ way: EncodingWay, into ids: inout [Int32]
  ) throws(TokenizerError) {
    let failure: TokenizerError? = encoder.withLock { encoder in
      do throws(TokenizerError) {
        try text.read(range) { (bytes) throws(TokenizerError) in
          ids.reserveCapacity(bytes.count / 3)
          if let lines = way.lines {
            try lines.encode(bytes, isFirst: range.lowerBound == 0, with: &encoder, into: &ids)
          } else if let finder = way.finder {
            try way.tokenizer.encode(bytes, with: &encoder, finder, into: &ids)
          } else {
            try encoder.encode(bytes, into: &ids)
          }
        }
        return nil
      } catch { return error }
    }
    if let failure { throw failure }
  }

  func learn(from other: EncodingThread) {
    other.encoder.withLock { other in encoder.withLock { $0.learn(from: other) } }
  }

  func settle() { encoder.withLock { $0.settle() } }
}

private final class EncodedPart: Sendable {
  struct Outcome {
    var ids: [Int32] = []
    var error: TokenizerError?
  }

  let outcome = Mutex(Outcome())
}

private struct EncodeParts: ParallelWork {
  let text: CorpusText
  let parts: [Range<Int>]
  let threads: [EncodingThread]
  let results: [EncodedPart]
  let way: EncodingWay

  func callAsFunction(_ part: Int, thread: Int) {
    results[part].outcome.withLock { outcome in
      outcome.ids.removeAll(keepingCapacity: true)
      do throws(TokenizerError) {
        try threads[thread].encode(text, parts[part], way, into: &outcome.ids)
      } catch {
        outcome.error = error.moved(by: parts[part].lowerBound, source: text.name)
      }
    }
  }
}
