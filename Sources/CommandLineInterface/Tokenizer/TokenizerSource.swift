internal import MiniGPT
internal import Platform

/// Where a tokenizer comes from: a file that was named, or the newest model.
struct TokenizerSource {
  private let name: [UInt8]?

  init(_ name: [UInt8]?) { self.name = name }

  static func option<Owner>(_ place: any WritableKeyPath<Owner, [UInt8]?> & Sendable) -> Option<Owner> {
    .optional(
      "tokenizer", in: place, .file(), else: "the newest in checkpoints",
      "a tokenizer file or a checkpoint; byte needs no file")
  }

  func open(_ console: Console) throws -> any Tokenizer {
    guard let name else { return try ModelChoice.newest().announced(on: console).openTokenizer() }
    if name.elementsEqual("byte".utf8) { return ByteTokenizer() }
    return try Self.read(Path(bytes: name))
  }

  /// A checkpoint by its ending, else a tokenizer file.
  static func read(_ path: Path) throws -> any Tokenizer {
    if path.hasSuffix(".safetensors") { return try Checkpoint(path).tokenizer() }
    return try TokenizerFile.open(path)
  }
}
