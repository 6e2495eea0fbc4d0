internal import MiniGPTPlatform
package import MiniGPTStorage
package import MiniGPTTokenization

/// Sentences and their translations, from files of lines `source TAB target`, mapped: they need not fit into memory.
///
/// Text is raw UTF-8 bytes. A line ends with LF or CRLF, which belong to no side; neither does a byte order mark at the
/// start of a file. Lines that are no pair are left out and counted, and the first of them are named.
public struct SentencePairs: Sendable {
  package let corpus: TextCorpus
  package let pairs: [Pair]
  /// The lines that are no pair.
  public let skipped: SkippedPairs

  /// How many pairs there are.
  public var count: Int { pairs.count }

  /// Where a pair stands.
  package struct Pair: Sendable {
    let file: UInt32
    /// Counted from 1.
    let line: UInt32
    let start: Int
    let sourceCount: Int32
    let targetCount: Int32

    var source: Range<Int> { start..<start + Int(sourceCount) }
    var target: Range<Int> { source.upperBound + 1..<source.upperBound + 1 + Int(targetCount) }
  }

  /// A line of more bytes is no sentence.
  package static let longestLine = 1 << 20

  package init(_ paths: [Path]) throws {
    corpus = try TextCorpus(paths)
    var pairs: [Pair] = [], skipped = SkippedPairs()
    for (number, file) in corpus.files.enumerated() { Self.read(file, UInt32(number), &pairs, &skipped) }
    if pairs.isEmpty {
      throw DatasetError.noPairs(paths.map { "\($0)" }.joined(separator: ", "), first: skipped.first.first)
    }
    self.pairs = pairs
    self.skipped = skipped
  }

  /// Opens files of pairs. Throws where one cannot be read, or where none of the lines is a pair.
  public init(_ paths: [String]) throws { try self.init(paths.map { Path($0) }) }

  // MARK: - Lines

  private static func read(
    _ file: MappedFile, _ number: UInt32, _ pairs: inout [Pair], _ skipped: inout SkippedPairs
  ) {
    guard let text = file.bytes.numbers(UInt8.self) else { fail("bytes that are not aligned for bytes") }
    var start = TextLine.markLength(text)
    var line: UInt32 = 0
    while start < text.count {
      line &+= 1
      var end = start
      while end < text.count && text[end] != UInt8(ascii: "\n") { end += 1 }
      let content = start..<TextLine.contentEnd(text, from: start, to: end)
      switch parse(text.extracting(content)) {
      case .success(let tab):
        pairs.append(
          Pair(
            file: number, line: line, start: start, sourceCount: Int32(tab),
            targetCount: Int32(content.count - tab - 1)))
      case .failure(let problem):
        skipped.add(SkippedPair(file: "\(file.path)", line: Int(line), problem: problem))
      }
      start = end + 1
    }
  }

  /// Where the TAB of a line stands, or what is wrong with it.
  private static func parse(_ line: Span<UInt8>) -> Result<Int, SkippedPair.Problem> {
    if line.isEmpty { return .failure(.emptyLine) }
    if line.count > longestLine { return .failure(.longLine(bytes: line.count)) }
    var tabs = 0, tab = 0
    for place in 0..<line.count where line[place] == UInt8(ascii: "\t") {
      tabs += 1
      tab = place
    }
    if tabs == 0 { return .failure(.noTab) }
    if tabs > 1 { return .failure(.manyTabs(tabs)) }
    if let broken = UTF8Scalars.firstBroken(in: line) { return .failure(.brokenUTF8(byte: broken + 1)) }
    if UnicodeClasses.isBlank(line.extracting(0..<tab)) { return .failure(.blankSource) }
    if UnicodeClasses.isBlank(line.extracting(tab + 1..<line.count)) { return .failure(.blankTarget) }
    return .success(tab)
  }

  /// Whether a text looks like pairs: each of its first lines, at least three, has one TAB between two sides.
  package static func looksLikePairs(_ file: MappedFile) -> Bool {
    guard let text = file.bytes.numbers(UInt8.self) else { return false }
    var start = 0, lines = 0
    while start < text.count && lines < 50 {
      var end = start
      while end < text.count && text[end] != UInt8(ascii: "\n") {
        end += 1
        if end - start > longestLine { return false }
      }
      guard case .success = parse(text.extracting(start..<end)) else { return false }
      lines += 1
      start = end + 1
    }
    return lines >= 3
  }

  // MARK: - What is in them

  /// Where a pair's two sides stand, as texts.
  package func texts(_ number: Int) -> (source: CorpusText, target: CorpusText) {
    let pair = pairs[number], file = corpus.files[Int(pair.file)]
    return (.file(file, pair.source), .file(file, pair.target))
  }

  /// The bytes of a pair's two sides.
  package func bytes(_ number: Int) -> (source: [UInt8], target: [UInt8]) {
    let pair = pairs[number], file = corpus.files[Int(pair.file)]
    let bytes = file.bytes
    return (bytes.extracting(pair.source).array, bytes.extracting(pair.target).array)
  }

  /// What a message calls a pair.
  func skip(_ number: Int, _ problem: SkippedPair.Problem) -> SkippedPair {
    let pair = pairs[number]
    return SkippedPair(file: "\(corpus.files[Int(pair.file)].path)", line: Int(pair.line), problem: problem)
  }

  /// Holds out about that share of the pairs, at most about `most` of them.
  ///
  /// A pair's source alone decides, by its XXH64, so that the same source never stands on both sides, files in another
  /// order or with other pairs besides give the same choice, and neighbours are not held out together.
  package func split(holdingOut fraction: Double, most: Int) -> (training: [Int32], heldOut: [Int32]) {
    let share = min(fraction, Double(most) / Double(max(1, count)))
    var training: [Int32] = [], heldOut: [Int32] = []
    training.reserveCapacity(count)
    for (number, pair) in pairs.enumerated() {
      let file = corpus.files[Int(pair.file)]
      let hash = XXH64.digest(file.bytes.extracting(pair.source))
      if Double(hash >> 11) * 0x1p-53 < share {
        heldOut.append(Int32(number))
      } else {
        training.append(Int32(number))
      }
    }
    return (training, heldOut)
  }
}
