internal import MiniGPT
internal import MiniGPTPlatform

/// What is unusual about a text, and would be learned with it. Its first megabyte is looked at.
struct OddText {
  private let file: MappedFile
  private static let most = 1 << 20

  init(_ file: MappedFile) { self.file = file }

  /// What there is at line ends and at the beginning, and what to do about it; nil where it is as texts are.
  var lineEnds: String? {
    let file = file
    guard let text = file.bytes.numbers(UInt8.self) else { return nil }
    let hasMark = TextLine.markLength(text) > 0, newline = UInt8(ascii: "\n")
    let returns = (0..<min(text.count, Self.most)).contains { place in
      text[place] == newline && TextLine.contentEnd(text, from: 0, to: place) < place
    }
    if returns {
      return "has line ends of CR LF" + (hasMark ? " and a byte order mark" : "")
        + ", learned as they are: " + (hasMark ? "tail -c +4 FILE" : "cat FILE") + " | tr -d '\\r' > NEW takes them out"
    }
    return hasMark ? "begins with a byte order mark, learned as it is: tail -c +4 FILE > NEW takes it out" : nil
  }

  /// The name of a special token that it holds.
  var specialName: String? {
    let file = file, bytes = file.bytes
    let names = [SpecialToken.endOfText, "<|im_start|>", "</s>"].map { Array($0.utf8) }
    for place in 0..<min(file.count, Self.most) where bytes[place] == UInt8(ascii: "<") {
      let name = names.first { name in
        place + name.count <= file.count && name.indices.allSatisfy { bytes[place + $0] == name[$0] }
      }
      if let name { return String(decoding: name, as: UTF8.self) }
    }
    return nil
  }

  /// Whether it begins with the byte order mark of UTF-16.
  var isUTF16: Bool {
    let file = file
    return file.count >= 2 && [[0xFF, 0xFE], [0xFE, 0xFF]].contains(file.bytes.extracting(0..<2).array)
  }
}

/// A file that is no text where a text is wanted.
enum NotACorpus: Error, CustomStringConvertible {
  case utf16(Path)
  case model(Path, resumes: Bool, isTranslator: Bool)
  case severalOfIds(Path)
  case idsWithoutTokenizer(Path)
  case otherTokenizer(Path)
  case idsToValidate(Path)

  var description: String {
    switch self {
    case .severalOfIds(let path): "\(path): holds ids, and such a file is learned from alone"
    case .idsWithoutTokenizer(let path):
      "\(path): taken for ids by its name: --tokenizer FILE says what made them, --tokenizer byte learns its bytes"
    case .otherTokenizer(let path): "\(path): its ids were made by another tokenizer"
    case .idsToValidate(let path): "\(path): holds ids, and --val is a text; --val-fraction holds out ids"
    case .utf16(let path): "\(path): UTF-16, and UTF-8 is wanted: iconv -f utf-16 -t utf-8 \(path) > NEW"
    case .model(let path, true, let isTranslator):
      "\(path): is a checkpoint, and a CORPUS is wanted: minigpt train \(Self.wanted(isTranslator)) --resume --out \(path)"
    case .model(let path, false, let isTranslator):
      "\(path): is a model, and a CORPUS is wanted: minigpt train \(Self.wanted(isTranslator)) --init \(path) begins with it"
    }
  }

  private static func wanted(_ isTranslator: Bool) -> String { isTranslator ? "--pairs FILE" : "CORPUS" }
}
