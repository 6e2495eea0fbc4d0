package import MiniGPTPlatform

/// What can go wrong with a file, told in one line.
package enum StorageError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The system refused: what was tried, on which file, and why.
  case refused(Attempt, Path, SystemError)
  /// The name leads to something that is no ordinary file.
  case notAFile(Path, FileKind)
  /// The name leads to something that is no folder.
  case notAFolder(Path)
  /// More bytes than such a file may have.
  case tooLong(Path, limit: Int, found: Int)
  /// Another process writes under this name.
  case owned(Path)
  case emptyName
  case nameWithNUL(Path)
  /// The file became shorter while it was read.
  case shrank(Path, expected: Int, found: Int)
  /// Nothing was saved; the file that was there before, if any, is as it was.
  case notCommitted(Path, Attempt, SystemError)
  /// The new file is in its place, but may be lost if the power fails now.
  case durabilityUnknown(Path, SystemError)

  package enum Attempt: String, Hashable, Sendable {
    case open = "cannot be opened"
    case inspect = "cannot be inspected"
    case map = "cannot be mapped into memory"
    case read = "cannot be read"
    case write = "cannot be written"
    case create = "cannot be created"
    case flush = "cannot be brought to the disk"
    case close = "cannot be closed"
    case rename = "cannot be put into its place"
    case remove = "cannot be removed"
    case truncate = "cannot be cut"
    case list = "cannot be listed"
  }

  /// The same about a file that is not saved because of it.
  func notCommitting(_ path: Path) -> StorageError {
    if case .refused(let attempt, _, let cause) = self { return .notCommitted(path, attempt, cause) }
    return self
  }

  package var description: String {
    switch self {
    case .refused(.write, let path, .noSuchFile): "\(path): there is no such folder: mkdir -p \(path) makes it"
    case .refused(let attempt, let path, let error): "\(path): \(attempt.rawValue): \(error)"
    case .notAFile(let path, let kind): "\(path): expected a file, found \(kind.rawValue)"
    case .notAFolder(let path): "\(path): expected a folder, found something else"
    case .tooLong(let path, let limit, let found):
      "\(path): too long for what it should be: \(found) bytes, and at most \(limit) are read"
    case .owned(let path):
      "\(path): another minigpt is writing there; wait for it, or give another name"
    case .emptyName: "expected the name of a file, found an empty one"
    case .nameWithNUL(let path): "\(path): a NUL cannot be part of a file's name"
    case .shrank(let path, let expected, let found):
      "\(path): changed while it was read: expected \(expected) bytes, found \(found)"
    case .notCommitted(let path, let attempt, let error): "\(path): not saved: \(attempt.rawValue): \(error)"
    case .durabilityUnknown(let path, let error):
      "\(path): saved, but it is unknown whether it would survive a power failure: \(error)"
    }
  }
}

/// What a name in a folder leads to.
package enum FileKind: String, Hashable, Sendable {
  case file = "a file"
  case folder = "a folder"
  case characterDevice = "a character device"
  case blockDevice = "a block device"
  case pipe = "a pipe"
  case socket = "a socket"
  case other = "something unknown"
}
