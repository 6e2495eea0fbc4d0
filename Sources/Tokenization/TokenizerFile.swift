package import MiniGPTStorage

/// Tokenizers in files: `tokenizer.json`, tiktoken's ranks, and folders with `vocab.json` and `merges.txt`.
package enum TokenizerFile {
  /// Files above this are no tokenizers.
  static let sizeLimit = 1 << 28

  /// Opens whichever it is. `splitter` is for ranks, which do not say how texts are cut; left out, it follows from the
  /// size for OpenAI's vocabularies, and is GPT-2's for others.
  ///
  /// Throws `StorageError` where the file cannot be read and `TokenizerError` where it is no tokenizer.
  package static func open(_ path: Path, splitter: Splitter? = nil) throws -> any Tokenizer {
    if Files.kind(path) == .folder { return try openFolder(path) }
    let bytes = try FileReader.whole(path, limit: sizeLimit)
    let start = bytes.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
    if start == UInt8(ascii: "{") { return try TokenizerJSON.parse(bytes.rawBytes, source: "\(path)") }
    if TiktokenRanks.looksLike(bytes) { return try TiktokenRanks.parse(bytes, source: "\(path)", splitter: splitter) }
    throw TokenizerError.file(
      path: "\(path)", field: "", problem: "no tokenizer: expected a tokenizer.json or tiktoken's ranks")
  }

  /// Writes a tokenizer in the format of the name's ending: `.json`, `.tiktoken`, or else a folder.
  package static func write(_ tokenizer: any Tokenizer, to path: Path) throws {
    if path.hasSuffix(".json") {
      try store(TokenizerJSON.text(tokenizer, layout: .indented), path)
    } else if path.hasSuffix(".tiktoken") {
      try store(try TiktokenRanks.text(tokenizer, path: "\(path)"), path)
    } else {
      let files = try MergesFolder.texts(tokenizer, path: "\(path)")
      if Files.exists(path) {
        try Files.createFolder(path)
        return try store(files, in: path)
      }
      try Files.createFolder(path.folder)
      let folder = try AtomicFolder(path)
      try store(files, in: folder.temporary)
      try folder.commit(replacing: false)
    }
  }

  /// What is written in a folder, of what is there already.
  package static func files(in folder: Path) -> [Path] {
    [folder.appending("vocab.json"), folder.appending("merges.txt")].filter { Files.exists($0) }
  }

  private static func store(_ files: (vocabulary: [UInt8], merges: [UInt8]), in folder: Path) throws(StorageError) {
    try store(files.vocabulary, folder.appending("vocab.json"))
    try store(files.merges, folder.appending("merges.txt"))
  }

  private static func store(_ bytes: [UInt8], _ path: Path) throws(StorageError) {
    var file = try AtomicFile(path)
    try file.append(bytes)
    try file.commit()
  }

  private static func openFolder(_ path: Path) throws -> any Tokenizer {
    let whole = path.appending("tokenizer.json")
    let names = (vocabulary: path.appending("vocab.json"), merges: path.appending("merges.txt"))
    let hasMerges = Files.exists(names.vocabulary) && Files.exists(names.merges)
    var tokenizer: any Tokenizer
    if Files.exists(whole) {
      // What an older program wrote may say the same in two plain files; but not how texts are cut.
      do { tokenizer = try open(whole) } catch {
        guard hasMerges, !isOfCutting(error), (try? TokenizerSiblings(path).form()) != nil else { throw error }
        tokenizer = try openMerges(names.vocabulary, names.merges, in: path)
      }
    } else if hasMerges {
      tokenizer = try openMerges(names.vocabulary, names.merges, in: path)
    } else {
      throw TokenizerError.file(
        path: "\(path)", field: "", problem: "no tokenizer: expected tokenizer.json, or vocab.json and merges.txt")
    }
    try TokenizerSiblings(path).complete(&tokenizer)
    return tokenizer
  }

  /// Whether a file was refused for what it does to texts before their pieces are merged.
  private static func isOfCutting(_ error: any Error) -> Bool {
    guard case .file(_, let field, _)? = error as? TokenizerError else { return false }
    return field.hasPrefix("pre_tokenizer") || field.hasPrefix("normalizer")
  }

  private static func openMerges(_ vocabulary: Path, _ merges: Path, in folder: Path) throws -> any Tokenizer {
    try MergesFolder.parse(
      vocabulary: try FileReader.whole(vocabulary, limit: sizeLimit),
      merges: try FileReader.whole(merges, limit: sizeLimit), added: try TokenizerSiblings(folder).added(),
      names: ("\(vocabulary)", "\(merges)"), form: try TokenizerSiblings(folder).form())
  }
}
