package import MiniGPTStorage

/// What is wrong with a safetensors file: the file, the tensor where it is one, and the two things that disagree.
package enum SafetensorsError: Error, Hashable, Sendable, CustomStringConvertible {
  case storage(StorageError)
  case file(Path, FileProblem)
  case tensor(Path, String, TensorProblem)

  package enum FileProblem: Hashable, Sendable {
    case tooShort(found: Int)
    case headerTooLarge(found: UInt64)
    case headerBeyondEnd(header: UInt64, file: Int)
    case noBrace(found: UInt8?)
    case json(JSONError)
    case tooManyTensors
    case tooManyEntries
    case length(expected: UInt64, found: Int)
    /// No tensor of the header, or not the header itself, is covered, though others are.
    case noHeaderChecksum
    case headerChecksum(expected: String, found: String)
  }

  package enum TensorProblem: Hashable, Sendable {
    case givenTwice
    case missing(field: String)
    case unknownType(String)
    case rank(found: Int)
    case dimension(UInt64)
    case overflow(shape: [Int], SafetensorsType)
    case partOfAByte(shape: [Int], SafetensorsType)
    case size(shape: [Int], SafetensorsType, expected: UInt64, found: UInt64)
    case reversed(begin: UInt64, end: UInt64)
    case hole(expected: UInt64, found: UInt64)
    case overlap(expected: UInt64, found: UInt64)
    case notThere
    case noChecksum
    case checksum(expected: String, found: String)
    /// Not asked of a file, but of what is to be written.
    case reservedName
  }

  package var description: String {
    switch self {
    case .storage(let error): "\(error)"
    case .file(let path, let problem): "\(path): \(problem.words)"
    case .tensor(let path, let name, let problem): "\(path): tensor `\(Self.shortened(name))`: \(problem.words)"
    }
  }

  /// A name for a message: one line of at most 100 characters.
  private static func shortened(_ name: String) -> String {
    "\(Path(String(String.UnicodeScalarView(name.unicodeScalars.prefix(100)))))"
      + (name.unicodeScalars.count > 100 ? "…" : "")
  }
}

extension SafetensorsError.FileProblem {
  fileprivate var words: String {
    switch self {
    case .tooShort(let found): "expected a safetensors file of at least 8 bytes, found \(found)"
    case .headerTooLarge(let found):
      "no safetensors file, or too large a header: expected at most \(SafetensorsHeader.byteLimit) bytes, found \(found)"
    case .headerBeyondEnd(let header, let file):
      "no safetensors file, or a truncated one: a header of \(header) bytes in a file of \(file)"
    case .noBrace(let found?): "the safetensors header must begin with `{`, found byte \(found)"
    case .noBrace(nil): "the safetensors header must begin with `{`, found nothing"
    case .json(let error): "safetensors header: \(error)"
    case .tooManyTensors: "more than \(SafetensorsHeader.tensorLimit) tensors"
    case .tooManyEntries: "more than \(SafetensorsHeader.entryLimit) entries in `__metadata__`"
    case .length(let expected, let found):
      "the header describes a file of \(expected) bytes, found \(found)"
    case .noHeaderChecksum: "tensors have checksums, but the header has none: it was changed"
    case .headerChecksum(let expected, let found):
      "the header is damaged: its checksum should be \(expected), found \(found)"
    }
  }
}

extension SafetensorsError.TensorProblem {
  fileprivate var words: String {
    switch self {
    case .givenTwice: "is given twice"
    case .missing(let field): "field `\(field)` is missing"
    case .unknownType(let name): "expected a type of the safetensors format, found `\(Path(String(name.prefix(40))))`"
    case .rank(let found): "expected at most \(SafetensorsHeader.rankLimit) dimensions, found \(found)"
    case .dimension(let size): "a dimension of \(size), more than memory can have"
    case .overflow(let shape, let type): "shape \(shape) of \(type.rawValue) is larger than 64 bits can count"
    case .partOfAByte(let shape, let type): "shape \(shape) of \(type.rawValue) does not end at a whole byte"
    case .size(let shape, let type, let expected, let found):
      "shape \(shape) of \(type.rawValue) takes \(expected) bytes, the offsets give it \(found)"
    case .reversed(let begin, let end): "begins at byte \(begin) of the data and ends before, at \(end)"
    case .hole(let expected, let found):
      "begins at byte \(found) of the data, the one before it ends at \(expected): a hole"
    case .overlap(let expected, let found):
      "begins at byte \(found) of the data, the one before it ends at \(expected): they overlap"
    case .notThere: "is not in the file"
    case .noChecksum: "has no checksum, though others have: the header was changed"
    case .checksum(let expected, let found): "is damaged: its checksum should be \(expected), found \(found)"
    case .reservedName: "cannot have this name in a file"
    }
  }
}
