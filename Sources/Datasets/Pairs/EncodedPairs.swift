package import MiniGPTParallel
internal import MiniGPTPlatform
package import MiniGPTStorage
internal import Synchronization
package import MiniGPTTokenization

/// The ids of sentence pairs, in a mapped file without a name; neither side has its `</s>` yet.
package final class EncodedPairs: Sendable {
  /// The pairs' numbers in `SentencePairs`, those that are too long left out.
  package let numbers: [Int32]
  package let sourceCounts: [Int32]
  package let targetCounts: [Int32]
  /// Pairs of which a side is too long.
  package let skipped: SkippedPairs
  /// Tokens of both sides, `</s>` included.
  package let sourceTokens: Int
  package let targetTokens: Int
  private let starts: [Int]
  private let map: MappedFile

  package var count: Int { numbers.count }

  private init(_ table: Table, _ skipped: SkippedPairs, _ map: MappedFile) {
    numbers = table.numbers
    sourceCounts = table.sourceCounts
    targetCounts = table.targetCounts
    starts = table.starts
    sourceTokens = table.sourceCounts.reduce(table.numbers.count) { $0 + Int($1) }
    targetTokens = table.targetCounts.reduce(table.numbers.count) { $0 + Int($1) }
    self.skipped = skipped
    self.map = map
  }

  private struct Table {
    var numbers: [Int32] = []
    var sourceCounts: [Int32] = []
    var targetCounts: [Int32] = []
    var starts: [Int] = []
  }

  /// Hands out the ids of both sides of a pair, by its place here.
  package func read<Result>(_ place: Int, _ body: (_ source: Span<Int32>, _ target: Span<Int32>) -> Result) -> Result {
    let map = map
    let bytes = map.bytes
    guard let ids = bytes.numbers(Int32.self) else { fail("ids that are not aligned") }
    let middle = starts[place] + Int(sourceCounts[place])
    return body(
      ids.extracting(starts[place]..<middle), ids.extracting(middle..<middle + Int(targetCounts[place])))
  }

  /// The ids of a source.
  package func source(_ place: Int) -> [Int32] {
    read(place) { source, _ in source.indices.map { source[$0] } }
  }

  /// The ids of a target.
  package func target(_ place: Int) -> [Int32] {
    read(place) { _, target in target.indices.map { target[$0] } }
  }

  /// Encodes pairs with all threads; the ids do not depend on their number.
  ///
  /// - Parameters:
  ///   - which: the numbers of the pairs, in the order that is kept.
  ///   - places: pairs of which a side has more tokens, `</s>` included, are left out and named.
  ///   - folder: where the ids are kept while they are used.
  ///   - progress: called with the pairs encoded so far.
  package static func encode(
    _ pairs: SentencePairs, _ which: [Int32], _ tokenizer: any Tokenizer, places: Int, pool: WorkerPool,
    folder: Path? = nil, progress: (Int) -> Void = { _ in }
  ) throws -> EncodedPairs {
    var file = try ScratchFile(in: folder), table = Table(), skipped = SkippedPairs()
    let encoders = (0..<pool.threads).map { _ in Encoder(tokenizer.makeEncoder()) }
    var start = 0
    while start < which.count {
      let round = Array(which[start..<min(start + 256 * pool.threads * 4, which.count)])
      let parts = (round.count + 255) / 256
      let results = (0..<parts).map { _ in Part() }
      pool.run(parts, Work(pairs: pairs, which: round, encoders: encoders, results: results))
      for (part, result) in results.enumerated() {
        let (ids, lengths) = try result.outcome.withLock { try $0.get() }
        var end = 0
        for (place, (source, target)) in lengths.enumerated() {
          let number = round[part * 256 + place], first = end
          end += source + target
          let longest = max(source, target) + 1
          if longest > places {
            skipped.add(pairs.skip(Int(number), .tooLong(tokens: longest, places: places)))
            continue
          }
          table.starts.append(file.count / 4)
          table.numbers.append(number)
          table.sourceCounts.append(Int32(source))
          table.targetCounts.append(Int32(target))
          try file.append(ids.span.extracting(first..<end).rawBytes)
        }
      }
      start += round.count
      progress(start)
    }
    return EncodedPairs(table, skipped, try file.map())
  }

  private final class Encoder: Sendable {
    let encoder: Mutex<any TokenEncoder>
    init(_ encoder: any TokenEncoder) { self.encoder = Mutex(encoder) }
  }

  private final class Part: Sendable {
    typealias Outcome = Result<(ids: [Int32], lengths: [(source: Int, target: Int)]), TokenizerError>
    let outcome = Mutex<Outcome>(.success(([], [])))
  }

  /// 256 pairs a part.
  private struct Work: ParallelWork {
    let pairs: SentencePairs
    let which: [Int32]
    let encoders: [Encoder]
    let results: [Part]

    func callAsFunction(_ part: Int, thread: Int) {
      let outcome: Part.Outcome = encoders[thread].encoder.withLock { encoder in
        var ids: [Int32] = [], lengths: [(source: Int, target: Int)] = []
        do throws(TokenizerError) {
          for number in which[part * 256..<min((part + 1) * 256, which.count)] {
            let (source, target) = pairs.texts(Int(number)), before = ids.count
            try encoder.encode(source, into: &ids)
            let middle = ids.count
            try encoder.encode(target, into: &ids)
            lengths.append((middle - before, ids.count - middle))
          }
          return .success((ids, lengths))
        } catch { return .failure(error) }
      }
      results[part].outcome.withLock { $0 = outcome }
    }
  }
}

extension TokenEncoder {
  fileprivate mutating func encode(_ text: CorpusText, into ids: inout [Int32]) throws(TokenizerError) {
    do throws(TokenizerError) {
      try text.read(0..<text.count) { (bytes) throws(TokenizerError) in try encode(bytes, into: &ids) }
    } catch { throw error.moved(by: 0, source: text.name) }
  }
}
