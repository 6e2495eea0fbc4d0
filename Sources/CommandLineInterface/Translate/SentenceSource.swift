internal import MiniGPT
internal import MiniGPTPlatform

/// The sentences to translate, some at a time: the arguments, or the lines of standard input.
struct SentenceSource {
  private var texts: [[UInt8]]
  private let input: Input?
  /// Sentences handed out so far.
  private(set) var count = 0

  /// Without texts, standard input.
  init(_ texts: [[UInt8]]) {
    self.texts = texts.reversed()
    input = texts.isEmpty ? Input() : nil
  }

  /// At least one sentence and at most `most`; nil at the end. Lines that have not come yet are not waited for, so that
  /// whoever asks line by line is answered line by line.
  mutating func next(_ most: Int) throws -> [[UInt8]]? {
    var sentences: [[UInt8]] = []
    while sentences.count < most {
      if let input {
        if !sentences.isEmpty && !input.hasLine { break }
        switch try input.read() {
        case .line(let line): sentences.append(line)
        case .interrupted: throw Interrupted()
        case .end: return sentences.isEmpty ? nil : handOut(sentences)
        }
      } else if let text = texts.popLast() {
        sentences.append(text)
      } else {
        break
      }
    }
    return sentences.isEmpty ? nil : handOut(sentences)
  }

  private mutating func handOut(_ sentences: [[UInt8]]) -> [[UInt8]] {
    count += sentences.count
    return sentences
  }
}

/// The lines of a file with what the translations should be, one for each sentence.
struct References {
  private let file: MappedFile
  private var next = 0
  private var line = 0
  private(set) var bleu: BLEUByLength

  init(_ path: Path, _ tokenization: BLEUTokenization, lowercases: Bool) throws {
    file = try MappedFile(path)
    bleu = BLEUByLength(tokenization, lowercases: lowercases)
  }

  /// Compares a translation with the next line.
  mutating func compare(_ translation: [UInt8], source: [UInt8]) throws {
    let file = file, bytes = file.bytes
    if next >= bytes.byteCount { throw ReferenceError.tooShort(file.path, lines: line) }
    var end = next
    while end < bytes.byteCount && bytes[end] != UInt8(ascii: "\n") { end += 1 }
    let reference = TextLine.content(of: bytes.extracting(next..<end).array, isFirst: line == 0)
    bleu.add(translation, reference: reference, source: source)
    next = end + 1
    line += 1
  }

  /// Throws where lines are left.
  func finish() throws {
    if next < file.count { throw ReferenceError.tooLong(file.path, sentences: line) }
  }
}

/// References that are not as many as the sentences.
enum ReferenceError: Error, CustomStringConvertible {
  case tooShort(Path, lines: Int)
  case tooLong(Path, sentences: Int)

  var description: String {
    switch self {
    case .tooShort(let path, let lines):
      "\(path): \(grouped(lines)) line\(lines == 1 ? "" : "s"), fewer than the sentences to translate"
    case .tooLong(let path, let sentences):
      "\(path): more lines than the \(grouped(sentences)) sentence\(sentences == 1 ? "" : "s") to translate"
    }
  }
}
