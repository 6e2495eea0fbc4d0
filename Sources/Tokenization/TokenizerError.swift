/// What can be wrong with a text, an id or a tokenizer file. `description` is the wording, one line.
public enum TokenizerError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A byte that is not part of well-formed UTF-8, where text is needed.
  case brokenUTF8(source: String?, offset: Int)
  /// A character that a character tokenizer does not have.
  case unknownCharacter(scalar: UInt32, offset: Int)
  /// A byte that the vocabulary does not have.
  case unknownByte(UInt8, offset: Int)
  /// An id that the vocabulary does not have.
  case unknownId(Int, vocabularySize: Int)
  /// A vocabulary size too small for what it must hold, or too large for any.
  case vocabularySize(Int, allowed: ClosedRange<Int>)
  /// Distinct pieces that take more memory than training is allowed.
  case tooManyPieces(limit: Int)
  /// A text without any character, where a vocabulary is to be made from it.
  case emptyText
  /// Nothing to begin with: an empty prompt, and no token that begins a text.
  case noBeginning
  /// A tokenizer file, what in it is wrong (empty: the whole), and how.
  case file(path: String, field: String, problem: String)

  /// The error in one line.
  public var description: String {
    switch self {
    case .brokenUTF8(let source, let offset):
      "\(source.map { $0 + ": " } ?? "")not UTF-8 text: the byte at offset \(offset) is not part of a character"
    case .unknownCharacter(let scalar, let offset):
      "\(UTF8Scalars.name(scalar)) at byte \(offset) never occurred in the training text"
    case .unknownByte(let byte, let offset):
      "the vocabulary has no token for the byte 0x\(byte < 16 ? "0" : "")\(String(byte, radix: 16, uppercase: true))"
        + " at offset \(offset)"
    case .unknownId(let id, let size):
      "id \(id) is not in the vocabulary, which has ids 0 to \(size - 1)"
    case .vocabularySize(let size, let allowed):
      "a vocabulary of \(size) is not possible: expected \(allowed.lowerBound) to \(allowed.upperBound)"
    case .tooManyPieces(let limit):
      "the distinct pieces of the text take more than \(limit >> 20) MiB; choose a rule that cuts it, such as gpt2"
    case .emptyText:
      "the text is empty: there is nothing to make a vocabulary of"
    case .noBeginning:
      "this model's vocabulary has no token that begins a text: give it a prompt"
    case .file(let path, let field, let problem):
      field.isEmpty ? "\(path): \(problem)" : "\(path): field `\(field)`: \(problem)"
    }
  }

  /// The same error with its place in the text counted from `offset` bytes further to the front.
  package func moved(by distance: Int, source: String? = nil) -> TokenizerError {
    switch self {
    case .brokenUTF8(let own, let offset): .brokenUTF8(source: own ?? source, offset: offset + distance)
    case .unknownCharacter(let scalar, let offset): .unknownCharacter(scalar: scalar, offset: offset + distance)
    case .unknownByte(let byte, let offset): .unknownByte(byte, offset: offset + distance)
    default: self
    }
  }

  /// The same error about the file of that name, if it names none yet.
  package func of(_ path: String) -> TokenizerError {
    if case .file("", let field, let problem) = self { return .file(path: path, field: field, problem: problem) }
    return self
  }
}
