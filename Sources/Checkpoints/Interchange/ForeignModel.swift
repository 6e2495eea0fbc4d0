package import MiniGPTStorage
package import MiniGPTTokenization
internal import MiniGPTTransformer

/// A model of another program, opened: its headers are checked, its numbers not yet read.
package struct ForeignModel<Model: CheckpointModel>: Sendable {
  package let path: Path
  package let configuration: Model.Configuration
  /// In the order of the layout.
  package let weights: [FileMatrix]
  /// Tensors that the other program may hold twice, and that must be the same.
  let twins: [(name: String, one: FileMatrix, other: FileMatrix)]
  /// The id that ends a text, where the other program names it.
  let endOfText: Int?
  /// Of all files with weights together.
  let byteCount: Int
  private let openTokenizer: @Sendable () throws(InterchangeError) -> any Tokenizer
  private let verifyChecksums: @Sendable () throws(InterchangeError) -> Void

  init(
    path: Path, configuration: Model.Configuration, weights: [FileMatrix],
    twins: [(name: String, one: FileMatrix, other: FileMatrix)], endOfText: Int?, byteCount: Int,
    tokenizer: @escaping @Sendable () throws(InterchangeError) -> any Tokenizer,
    verify: @escaping @Sendable () throws(InterchangeError) -> Void
  ) {
    self.path = path
    self.configuration = configuration
    self.weights = weights
    self.twins = twins
    self.endOfText = endOfText
    self.byteCount = byteCount
    openTokenizer = tokenizer
    verifyChecksums = verify
  }

  /// The tokenizer, which must be that of the model.
  package func tokenizer() throws(InterchangeError) -> any Tokenizer {
    let tokenizer = try openTokenizer()
    if tokenizer.vocabularySize != configuration.vocabularySize {
      throw .contradiction(
        path,
        "its tokenizer has \(tokenizer.vocabularySize) tokens, but its model \(configuration.vocabularySize)")
    }
    // An id beyond the vocabulary is a default that was never set.
    if let end = endOfText, end < tokenizer.vocabularySize, !tokenizer.specialTokens.isEmpty,
      !tokenizer.isSpecial(Int32(end))
    {
      throw .contradiction(
        path, "texts should end with id \(end), which is no special token of its tokenizer")
    }
    return tokenizer
  }

  /// For whoever is about to read all weights: checksums, and tensors that are held twice.
  package func verify() throws(InterchangeError) {
    try verifyChecksums()
    for (name, one, other) in twins where !one.isEqual(to: other) {
      throw .unsupported(path, "\(name) differs from the embedding: minigpt's output is tied to it")
    }
  }
}

extension ForeignModel<GPT> {
  /// A Hugging Face folder, or a file in GGUF.
  package static func open(_ path: Path) throws(InterchangeError) -> ForeignModel {
    Files.kind(path) == .folder ? try GPT.open(folder: path) : try GGUFModel.open(path)
  }
}
