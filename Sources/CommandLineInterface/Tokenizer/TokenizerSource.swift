internal import MiniGPT
internal import MiniGPTPlatform

/// Where a tokenizer comes from: a file that was named, or the newest model.
struct TokenizerSource {
  private let name: [UInt8]?

  init(_ name: [UInt8]?) { self.name = name }

  static func option<Owner>(_ place: any WritableKeyPath<Owner, [UInt8]?> & Sendable) -> Option<Owner> {
    .optional(
      "tokenizer", in: place, .file(), else: "the newest in checkpoints",
      "a tokenizer file, a checkpoint or a model folder; byte needs no file")
  }

  func open(_ console: Console) throws -> any Tokenizer {
    guard let name else {
      do { return try ModelChoice.newest(nil).announced(on: console).openAny().tokenizer() } catch is NoModel {
        throw NoTokenizer()
      }
    }
    if name.elementsEqual("byte".utf8) { return ByteTokenizer() }
    return try Self.read(Path(bytes: name))
  }

  /// A checkpoint's tokenizer, whatever the model does, that of a file of tokens, or a tokenizer in a file or folder.
  static func read(_ path: Path) throws -> any Tokenizer {
    if TokenFile.isOne(path) { return try TokenFile(path).tokenizer() }
    if path.hasSuffix(".safetensors") || path.hasSuffix(".gguf") || SafetensorsFile.looksLike(path) {
      return try ModelFile.open(path).tokenizer()
    }
    return try TokenizerFile.open(path)
  }
}

/// No tokenizer was named, and there is no model to take one from.
struct NoTokenizer: Error, CustomStringConvertible {
  var description: String {
    "no tokenizer: name one with --tokenizer FILE, or make one with minigpt tokenizer train"
      + " (without the flag it is that of the newest model in checkpoints, and there is none)"
  }
}
