internal import MiniGPT

/// A corpus that is ids already: a file of tokens, which has its tokenizer, or one of nanoGPT's or llm.c's.
struct CorpusOfIds {
  let corpus: TextCorpus
  let tokenizer: any Tokenizer

  /// Nil where the command names texts.
  init?(_ command: TrainCommand) throws {
    let paths = command.corpora.map { Path(bytes: $0) }
    guard let path = paths.first(where: { Self.holdsIds($0, command.tokenizer) }) else { return nil }
    let name = printable("\(path)")
    if paths.count > 1 { throw NotACorpus.severalOfIds(path) }
    for (flag, isOn) in [("--lines", command[\.lines]), ("--allow-special", command[\.allowsSpecial])]
    where isOn == true {
      throw UsageError.contradiction("\(flag) is for texts, and \(name) holds ids")
    }
    if SafetensorsFile.looksLike(path) {
      let file = try TokenFile(path)
      (corpus, tokenizer) = (file.corpus, try file.tokenizer())
      switch command.tokenizer {
      case .kind(let kind):
        throw UsageError.contradiction("--tokenizer \(kind) is made from a text, and \(name) holds ids")
      case .file(let other): try check(against: TokenizerSource.read(Path(bytes: other)), path)
      case nil: break
      }
      return
    }
    guard case .file(let other) = command.tokenizer else { throw NotACorpus.idsWithoutTokenizer(path) }
    tokenizer = try TokenizerSource.read(Path(bytes: other))
    let map = try MappedFile(path)
    if map.count == 0 { throw DatasetError.emptyCorpus("\(path)") }
    corpus = try TextCorpus(IdsOfOthers.read(map), in: map, by: tokenizer)
  }

  /// A file of tokens says so; one of nanoGPT's could be anything, and is taken for it where a tokenizer's file is named.
  private static func holdsIds(_ path: Path, _ tokenizer: TokenizerWord?) -> Bool {
    if TokenFile.isOne(path) { return true }
    // One that is damaged is to be called so.
    if path.hasSuffix(TokenFile.ending) { return SafetensorsFile.looksLike(path) }
    guard path.hasSuffix(IdsOfOthers.ending), Files.kind(path) == .file else { return false }
    return if case .kind = tokenizer { false } else { true }
  }

  /// Throws where a model has another tokenizer than the one that made the ids.
  func check(against other: any Tokenizer, _ path: Path) throws {
    if TokenizerJSON.text(other) != TokenizerJSON.text(tokenizer) { throw NotACorpus.otherTokenizer(path) }
  }
}
