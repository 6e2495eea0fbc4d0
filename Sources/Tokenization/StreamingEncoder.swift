package import MiniGPTParallel

/// Encodes a text that arrives in parts of any size, in constant memory: what is certain is encoded at once, the rest
/// waits. All ids together are those of the whole text.
///
/// A rule that never cuts (`none`), or a text without white space, waits for the end.
public struct StreamingEncoder: Sendable {
  private static let window = 4096
  /// Bytes that are gathered before something is encoded: enough for all threads, where there are several.
  private let batch: Int

  private let tokenizer: any Tokenizer
  private let allowSpecial: Bool
  private let finder: SpecialTokenFinder
  private let longestName: Int
  private var encoder: any TokenEncoder
  /// Where several threads encode; special tokens are searched by one.
  private var parallel: ParallelEncoder?
  private var waiting: [UInt8] = []
  /// What is encoded now; the two change places, so that no memory is taken again and again.
  private var certain: [UInt8] = []
  private var nextTry: Int
  private var done = 0

  /// An encoder at the start of a text.
  public init(_ tokenizer: any Tokenizer, allowSpecial: Bool = false) {
    self.init(tokenizer, allowSpecial: allowSpecial, pool: nil)
  }

  /// An encoder at the start of a text, which takes some megabytes at a time where a pool has several threads.
  package init(_ tokenizer: any Tokenizer, allowSpecial: Bool, pool: WorkerPool?) {
    let threads = allowSpecial ? 1 : pool?.threads ?? 1
    parallel = threads > 1 ? pool.map { ParallelEncoder(tokenizer, $0) } : nil
    batch = threads > 1 ? threads << 20 : 1 << 16
    nextTry = batch
    self.tokenizer = tokenizer
    self.allowSpecial = allowSpecial
    finder = SpecialTokenFinder(tokenizer.specialTokens)
    longestName = allowSpecial ? tokenizer.specialTokens.map(\.text.utf8.count).max() ?? 0 : 0
    encoder = tokenizer.makeEncoder()
  }

  /// Appends the ids that are certain now.
  public mutating func push(_ text: [UInt8], into ids: inout [Int32]) throws(TokenizerError) {
    waiting += text
    if waiting.count < nextTry { return }
    let cut = lastCut()
    // A text that cannot be cut is searched again when it has doubled: linear in all.
    nextTry = max(batch, (waiting.count - cut) * 2)
    try encode(upTo: cut, into: &ids)
  }

  /// Appends the ids of what is left.
  public mutating func finish(into ids: inout [Int32]) throws(TokenizerError) {
    try encode(upTo: waiting.count, into: &ids)
  }

  private mutating func encode(upTo cut: Int, into ids: inout [Int32]) throws(TokenizerError) {
    if cut == 0 { return }
    swap(&certain, &waiting)
    waiting.removeAll(keepingCapacity: true)
    waiting += certain[cut...]
    certain.removeLast(certain.count - cut)
    let text = certain
    do throws(TokenizerError) {
      if parallel != nil {
        try parallel?.encode(
          .bytes(text), partSize: 1 << 16, separatingLines: false, failure: { $0 }
        ) { (found, _) throws(TokenizerError) in ids += found }
      } else {
        try tokenizer.encode(text.span, with: &encoder, allowSpecial: allowSpecial, into: &ids)
      }
    } catch { throw error.moved(by: done) }
    done += cut
  }

  /// A place as far back as possible where the text may be cut, and which no special token's name spans; 0 if none is
  /// known.
  private func lastCut() -> Int {
    let end = waiting.count - longestName
    var start = end
    while start > 0 {
      start = max(0, end - max(Self.window, (end - start) * 2))
      let cut = tokenizer.cut(in: waiting.span, from: start)
      if cut < end && cut > 0 {
        if !allowSpecial { return cut }
        let spanning = finder.find(in: waiting.span).first { $0.range.lowerBound < cut && cut < $0.range.upperBound }
        return spanning?.range.lowerBound ?? cut
      }
    }
    return 0
  }
}
