/// A line that training leaves out.
public struct SkippedPair: Sendable, Equatable, CustomStringConvertible {
  /// The file that it stands in.
  public let file: String
  /// Its number, from 1.
  public let line: Int
  /// Why.
  public let problem: Problem

  /// What can be wrong with a line.
  public enum Problem: Error, Sendable, Equatable {
    case emptyLine
    case noTab
    case manyTabs(Int)
    case blankSource
    case blankTarget
    /// The first byte that is none, counted from 1.
    case brokenUTF8(byte: Int)
    case longLine(bytes: Int)
    /// A side of more tokens than the model has places.
    case tooLong(tokens: Int, places: Int)

    /// What a summary counts together.
    var kind: String {
      switch self {
      case .emptyLine: "empty"
      case .noTab: "without a TAB"
      case .manyTabs: "with more than one TAB"
      case .blankSource: "with an empty source"
      case .blankTarget: "with an empty target"
      case .brokenUTF8: "not UTF-8"
      case .longLine, .tooLong: "too long"
      }
    }

    fileprivate var words: String {
      switch self {
      case .emptyLine: "empty: expected source TAB target"
      case .noTab: "no TAB: expected source TAB target"
      case .manyTabs(let count): "\(count) TABs: expected source TAB target (cut -f1,2 keeps the first two columns)"
      case .blankSource: "nothing before the TAB"
      case .blankTarget: "nothing behind the TAB"
      case .brokenUTF8(let byte): "not UTF-8 at its byte \(byte)"
      case .longLine(let bytes): "too long: \(bytes) bytes, more than \(SentencePairs.longestLine)"
      case .tooLong(let tokens, let places): "too long: \(tokens) tokens, and the model has \(places) places"
      }
    }
  }

  /// The line and what is wrong with it, in one line.
  public var description: String { "\(file): line \(line): \(problem.words)" }
}

/// The lines that training leaves out: all are counted, the first are named.
public struct SkippedPairs: Sendable, Equatable {
  /// How many.
  public private(set) var count = 0
  /// The first of them, at most `named`.
  public private(set) var first: [SkippedPair] = []
  private var kinds: [(kind: String, count: Int)] = []

  /// So many are named.
  public static let named = 100

  package init() {}

  package mutating func add(_ skipped: SkippedPair) {
    count += 1
    if first.count < Self.named { first.append(skipped) }
    let kind = skipped.problem.kind
    if let place = kinds.firstIndex(where: { $0.kind == kind }) {
      kinds[place].count += 1
    } else {
      kinds.append((kind, 1))
    }
  }

  /// "2 without a TAB, 1 too long"; empty where nothing was left out.
  public var summary: String { kinds.map { "\($0.count) \($0.kind)" }.joined(separator: ", ") }

  /// The same lines, left out for the same reasons.
  public static func == (a: Self, b: Self) -> Bool {
    a.count == b.count && a.first == b.first && a.summary == b.summary
  }
}
