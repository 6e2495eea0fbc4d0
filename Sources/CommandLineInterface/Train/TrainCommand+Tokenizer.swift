internal import MiniGPT

// From flags to the tokenizer of a run.
extension TrainCommand {
  /// The one that the flags ask for.
  func freshTokenizer() throws -> TokenizerChoice {
    switch tokenizer.map({ String(decoding: $0, as: UTF8.self) }) ?? "bpe" {
    case "bpe":
      return .bytePairs(vocabularySize: vocabularySize ?? 0, splitter: split ?? .gpt2)
    case "char": return .characters
    case "byte": return .bytes
    default: return .given(try TokenizerSource.read(Path(bytes: tokenizer ?? [])))
    }
  }

  /// The model's own; a flag may only say the same.
  func ownTokenizer<Model>(
    of checkpoint: ModelCheckpoint<Model>, differs: (_ what: String, _ old: String, _ new: String) -> TrainingError
  ) throws -> TokenizerChoice {
    let own = try checkpoint.tokenizer()
    if let name = tokenizer {
      let text = String(decoding: name, as: UTF8.self)
      if let kind = TokenizerKind(rawValue: text) {
        if kind != own.kind { throw differs("tokenizer", own.kind.rawValue, kind.rawValue) }
      } else if TokenizerJSON.text(try TokenizerSource.read(Path(bytes: name))) != TokenizerJSON.text(own) {
        throw differs("tokenizer", "one of kind \(own.kind.rawValue) of its own", "\(printable(name))")
      }
    }
    if let size = vocabularySize, size != own.vocabularySize {
      throw differs("vocab-size", "\(own.vocabularySize)", "\(size)")
    }
    if let split = split, let pairs = own as? BytePairTokenizer, pairs.splitter != split {
      throw differs("split", pairs.splitter.rawValue, split.rawValue)
    }
    return .given(own)
  }
}
