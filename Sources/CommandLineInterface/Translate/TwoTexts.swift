internal import MiniGPT

/// Two files of lines where pairs are wanted: a language in each, as corpora of translations often come.
struct TwoTexts: Error, CustomStringConvertible {
  let names: [[UInt8]]
  let problem: DatasetError

  /// Opens files of pairs. Of two in which no line has a TAB it is said how they become pairs.
  static func pairs(_ names: [[UInt8]]) throws -> SentencePairs {
    do { return try SentencePairs(names.map { Path(bytes: $0) }) } catch let error as DatasetError {
      guard case .noPairs(_, let first) = error, names.count == 2, first?.problem == .noTab else { throw error }
      throw TwoTexts(names: names, problem: error)
    }
  }

  var description: String {
    "\(problem); paste \(names.map { printable(shellQuoted($0)) }.joined(separator: " ")) > pairs.tsv joins their lines"
  }
}
