package import Parallel
internal import Synchronization

extension Tokenizer {
  /// Encodes a text of any size on all threads of a pool, and hands out its ids in order, some megabytes of text at a
  /// time. They are those of `encode`, for any number of threads. Special tokens' names are plain text.
  ///
  /// `sink` gets the ids and how many bytes of the text are done.
  package func encode<Failure: Error>(
    _ text: CorpusText, pool: WorkerPool, partSize: Int = 1 << 19,
    failure: (TokenizerError) -> Failure, sink: (_ ids: [Int32], _ done: Int) throws(Failure) -> Void
  ) throws(Failure) {
    let encoders = (0..<pool.threads).map { _ in EncodingThread(makeEncoder()) }
    var start = 0
    while start < text.count {
      var parts: [Range<Int>] = []
      while parts.count < pool.threads * 4 && start < text.count {
        let end = text.read(start..<text.count) { rest in
          rest.count <= partSize ? rest.count : cut(in: rest, from: partSize)
        }
        parts.append(start..<start + end)
        start += end
      }
      let results = parts.map { _ in EncodedPart() }
      pool.run(parts.count, EncodeParts(text: text, parts: parts, threads: encoders, results: results))
      for (part, result) in zip(parts, results) {
        let outcome = result.outcome.withLock { outcome in
          defer { outcome = .success([]) }
          return outcome
        }
        switch outcome {
        case .success(let ids): try sink(ids, part.upperBound)
        case .failure(let error): throw failure(error)
        }
      }
    }
  }

  /// All ids of a text.
  package func encode(_ text: CorpusText, pool: WorkerPool) throws(TokenizerError) -> [Int32] {
    var all: [Int32] = []
    try encode(text, pool: pool, failure: { $0 }) { (ids, _) throws(TokenizerError) in all += ids }
    return all
  }
}

private final class EncodingThread: Sendable {
  let encoder: Mutex<any TokenEncoder>
  init(_ encoder: any TokenEncoder) { self.encoder = Mutex(encoder) }
}

private final class EncodedPart: Sendable {
  let outcome = Mutex<Result<[Int32], TokenizerError>>(.success([]))
}

private struct EncodeParts: ParallelWork {
  let text: CorpusText
  let parts: [Range<Int>]
  let threads: [EncodingThread]
  let results: [EncodedPart]

  func callAsFunction(_ part: Int, thread: Int) {
    let outcome: Result<[Int32], TokenizerError> = threads[thread].encoder.withLock { encoder in
      var ids: [Int32] = []
      do throws(TokenizerError) {
        try text.read(parts[part]) { (bytes) throws(TokenizerError) in
          ids.reserveCapacity(bytes.count / 2)
          try encoder.encode(bytes, into: &ids)
        }
        return .success(ids)
      } catch {
        return .failure(error.moved(by: parts[part].lowerBound, source: text.name))
      }
    }
    results[part].outcome.withLock { $0 = outcome }
  }
}
