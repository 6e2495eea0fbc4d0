internal import MiniGPT

/// What is unusual about a text, and would be learned with it.
enum OddText {
  /// Bytes that are looked at.
  private static let most = 1 << 20

  /// What there is, and what to do about it; nil where the text is as texts are.
  static func describe(_ file: MappedFile) -> String? {
    let bytes = file.bytes, count = min(bytes.byteCount, most)
    var returns = 0
    for place in 1..<max(1, count) where bytes[place] == 10 && bytes[place - 1] == 13 { returns += 1 }
    let hasMark = count >= 3 && bytes[0] == 0xEF && bytes[1] == 0xBB && bytes[2] == 0xBF
    if returns > 0 {
      return "has line ends of CR LF" + (hasMark ? " and a byte order mark" : "")
        + ", learned as they are: " + (hasMark ? "tail -c +4 FILE" : "cat FILE") + " | tr -d '\\r' > NEW takes them out"
    }
    return hasMark
      ? "begins with a byte order mark, learned as it is: tail -c +4 FILE > NEW takes it out" : nil
  }
}

extension OddText {
  /// The name of a special token that the beginning of a text holds.
  static func specialName(in file: MappedFile) -> String? {
    let names = [SpecialToken.endOfText, "<|im_start|>", "</s>"].map { Array($0.utf8) }, bytes = file.bytes
    for place in 0..<min(file.count, most) where bytes[place] == UInt8(ascii: "<") {
      let name = names.first { name in
        place + name.count <= file.count && name.indices.allSatisfy { bytes[place + $0] == name[$0] }
      }
      if let name { return String(decoding: name, as: UTF8.self) }
    }
    return nil
  }
}

extension OddText {
  /// Whether a text begins with the byte order mark of UTF-16.
  static func isUTF16(_ file: MappedFile) -> Bool {
    file.count >= 2 && [[0xFF, 0xFE], [0xFE, 0xFF]].contains(file.bytes.extracting(0..<2).array)
  }
}

/// A text in another encoding.
struct UTF16: Error, CustomStringConvertible {
  let path: Path

  var description: String { "\(path): UTF-16, and UTF-8 is wanted: iconv -f utf-16 -t utf-8 \(path) > NEW" }
}

/// A checkpoint where a text is wanted.
struct NotACorpus: Error, CustomStringConvertible {
  let path: Path
  let resumes: Bool

  var description: String {
    resumes
      ? "\(path): is a checkpoint, and a CORPUS is wanted: minigpt train CORPUS --resume --out \(path)"
      : "\(path): is a model, and a CORPUS is wanted: minigpt train CORPUS --init \(path) begins with it"
  }
}
