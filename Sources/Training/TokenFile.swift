internal import MiniGPTCheckpoints
package import MiniGPTDatasets
package import MiniGPTStorage
package import MiniGPTTokenization

/// A file of tokens: the ids of a text, behind them those that are held out, and the tokenizer that made them.
///
/// It is a safetensors file with one tensor `ids` of four-byte numbers; `Docs/Checkpoint.md` describes it. Training keeps
/// one beside its checkpoint, so that a large text is encoded once; it may also be what is learned from.
package struct TokenFile: Sendable {
  /// What is learned from, and what is held out.
  package let training: TokenSequence
  package let heldOut: TokenSequence
  /// Bytes of text that all stand for.
  package let byteCount: Int
  /// What they were made of, and how.
  package let origin: Origin
  private let file: SafetensorsFile
  private let all: TokenSequence

  /// What ids depend on, beside the program; empty where that was not said.
  package struct Origin: Equatable, Sendable {
    /// The texts' fingerprints, and how they were read and parted.
    package var texts = ""
    /// How the tokenizer came about; empty where it was given.
    package var tokenizer = ""

    package init(texts: String = "", tokenizer: String = "") {
      self.texts = texts
      self.tokenizer = tokenizer
    }
  }

  package static let ending = RunFiles.tokensEnding
  private static let format = "minigpt-tokens"
  private static let tensor = "ids"

  /// Whether a file begins as one.
  package static func isOne(_ path: Path) -> Bool {
    SafetensorsFile.looksLike(path) && (try? SafetensorsFile(path))?.header.metadata("format") == format
  }

  /// Opens a file, and compares all of it with its checksums.
  package init(_ path: Path) throws {
    let file = try SafetensorsFile(path)
    try file.verifyHeader()
    func number(_ key: String, upTo most: Int) throws -> Int {
      guard let text = file.header.metadata(key), let number = Int(text), 0...most ~= number else {
        throw DatasetError.notIds("\(path)", "its metadata has no right `\(key)`")
      }
      return number
    }
    if file.header.metadata("format") != Self.format { throw DatasetError.notIds("\(path)", "its format is another") }
    let ids = try file.tensor(Self.tensor)
    if file.header.metadata("version") != "1" {
      throw DatasetError.notIds("\(path)", "its version is not 1, the one that is known here")
    }
    if ids.type != .i32 || ids.shape.count != 1 || ids.range.lowerBound % 4 != 0 {
      throw DatasetError.notIds("\(path)", "`\(Self.tensor)` is no list of four-byte numbers at a multiple of four")
    }
    try file.verify(ids)
    let all = TokenSequence(file.map, ids.range), count = try number("training", upTo: all.count)
    byteCount = try number("bytes", upTo: .max)
    origin = Origin(
      texts: file.header.metadata("texts") ?? "", tokenizer: file.header.metadata("recipe") ?? "")
    (self.file, self.all) = (file, all)
    training = all.part(0..<count)
    heldOut = all.part(count..<all.count)
    let size = try tokenizer().vocabularySize
    if let (id, place) = all.firstStranger(vocabularySize: size) {
      throw DatasetError.stranger("\(path)", id: id, place: place, vocabularySize: size)
    }
  }

  /// All ids, as a text to learn from.
  package var corpus: TextCorpus { TextCorpus(all, in: file.map, byteCount: byteCount) }

  package func tokenizer() throws -> any Tokenizer {
    guard let text = file.header.metadata("tokenizer") else {
      throw DatasetError.notIds("\(file.path)", "it has no tokenizer")
    }
    return try TokenizerJSON.parse(Array(text.utf8).span.rawBytes, source: "\(file.path)")
  }

  /// Writes a file, whole or not at all.
  package static func write(
    _ path: Path, training: TokenSequence, heldOut: TokenSequence? = nil, _ tokenizer: any Tokenizer,
    origin: Origin = Origin()
  ) throws {
    let sequences = [training] + (heldOut.map { [$0] } ?? [])
    let bytes = sequences.reduce(0) { $0 + $1.byteCount(tokenizer) }
    let count = sequences.reduce(0) { $0 + $1.count }
    let metadata = [
      ("format", format), ("version", "1"), ("training", "\(training.count)"), ("bytes", "\(bytes)"),
      ("texts", origin.texts), ("recipe", origin.tokenizer),
      ("tokenizer", String(decoding: TokenizerJSON.text(tokenizer), as: UTF8.self)),
    ]
    try SafetensorsFileWriter.write(
      path, tensors: [SafetensorsFileWriter.Tensor(tensor, .i32, [count])],
      metadata: metadata.map { (key: $0, value: $1) }
    ) { _, writer in
      for sequence in sequences {
        for block in sequence.blocks {
          try sequence.read(block) { (ids) throws(SafetensorsError) in try writer.append(ids) }
        }
      }
    }
  }
}
