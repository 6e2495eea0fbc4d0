internal import MiniGPT
internal import Platform

/// The text on stdin, in blocks that give the same ids one after another as the whole text does.
struct TextBlocks {
  private let tokenizer: any Tokenizer
  private let specials: [[UInt8]]
  private let input = Input()
  private var waiting: [UInt8] = []
  private var start = 0
  private var isAtEnd = false

  /// Text is taken in about so many bytes; a text without any place to cut it grows beyond.
  private static let blockSize = 1 << 18

  init(_ tokenizer: any Tokenizer, allowSpecial: Bool) {
    self.tokenizer = tokenizer
    specials = allowSpecial ? tokenizer.specialTokens.map { Array($0.text.utf8) } : []
  }

  /// The next block and where in the text it begins; nil at the end.
  mutating func next() throws -> (text: [UInt8], start: Int)? {
    var wanted = Self.blockSize
    while true {
      try fill(2 * wanted)
      if waiting.isEmpty { return nil }
      let cut = isAtEnd && waiting.count <= wanted ? waiting.count : beforeSpecial(cut(from: wanted))
      if cut == 0 || (cut == waiting.count && !isAtEnd) {
        // No place to cut in sight: more text must show one.
        wanted *= 2
        continue
      }
      let block = Array(waiting[..<cut])
      waiting.removeFirst(cut)
      defer { start += cut }
      return (block, start)
    }
  }

  private func cut(from place: Int) -> Int { tokenizer.cut(in: waiting.span, from: place) }

  /// The cut, or the begin of the special token's name that it would cut in two.
  private func beforeSpecial(_ cut: Int) -> Int {
    for name in specials {
      for length in 1..<max(1, name.count) where length <= cut && cut < waiting.count {
        let begin = cut - length
        let there = waiting[begin..<min(waiting.count, begin + name.count)]
        if name.starts(with: there) { return begin }
      }
    }
    return cut
  }

  private mutating func fill(_ count: Int) throws {
    while waiting.count < count && !isAtEnd {
      switch try input.readBlock() {
      case .line(let bytes): waiting += bytes
      case .interrupted: throw Interrupted()
      case .end: isAtEnd = true
      }
    }
  }
}

/// What is wrong with what was read from stdin.
enum InputError: Error, CustomStringConvertible {
  /// A text that the tokenizer cannot encode, in a block that begins at that byte.
  case badText(TokenizerError, Int)
  case noId([UInt8])

  var description: String {
    switch self {
    case .badText(let error, let start): "standard input: \(error.moved(by: start))"
    case .noId(let word): "standard input: expected ids separated by white space, found \(quoted(word))"
    }
  }
}
