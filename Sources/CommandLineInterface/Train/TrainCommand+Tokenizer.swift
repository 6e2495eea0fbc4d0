internal import MiniGPT

/// What `--tokenizer` may say.
enum TokenizerWord: Sendable {
  /// One of its own, made from the corpus.
  case kind(TokenizerKind)
  case file([UInt8])
}

extension ValueKind<TokenizerWord> {
  static var tokenizer: Self {
    let words = ValueKind<[UInt8]>.file(or: TokenizerKind.allCases.map(\.rawValue))
    return Self(
      placeholder: words.placeholder, expectation: words.expectation, completion: words.completion,
      parse: { bytes in
        words.parse(bytes).map { name in
          TokenizerKind(rawValue: String(decoding: name, as: UTF8.self)).map { .kind($0) } ?? .file(name)
        }
      },
      show: { word in
        switch word {
        case .kind(let kind): Array(kind.rawValue.utf8)
        case .file(let name): name
        }
      })
  }
}

// From flags to the tokenizer of a run.
extension TrainCommand {
  /// The one in the file that a flag names.
  func namedTokenizer() throws -> (any Tokenizer)? {
    if case .file(let name) = tokenizer { try TokenizerSource.read(Path(bytes: name)) } else { nil }
  }

  /// How one is made from the corpus, as the flags ask for it.
  func freshTokenizer() -> TokenizerChoice {
    switch tokenizer {
    case .kind(.char): .characters
    case .kind(.byte): .bytes
    case .kind(.bpe), .file, nil: .bytePairs(vocabularySize: vocabularySize ?? 0, splitter: split ?? .gpt2)
    }
  }

  /// The model's own; a flag may only say the same.
  func ownTokenizer<Model>(
    of checkpoint: ModelCheckpoint<Model>, differs: (_ what: String, _ old: String, _ new: String) -> TrainingError
  ) throws -> TokenizerChoice {
    let own = try checkpoint.tokenizer()
    switch tokenizer {
    case nil: break
    case .kind(let kind): if kind != own.kind { throw differs("tokenizer", own.kind.rawValue, kind.rawValue) }
    case .file(let name):
      if TokenizerJSON.text(try TokenizerSource.read(Path(bytes: name))) != TokenizerJSON.text(own) {
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
