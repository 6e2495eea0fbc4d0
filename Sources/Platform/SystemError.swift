internal import MiniGPTSystemC

/// A failed system call: its `errno`, and the system's words for it.
package struct SystemError: Error, Hashable, Sendable, CustomStringConvertible {
  package let code: Int32

  package init(code: Int32) { self.code = code }

  /// What the call that failed last on this thread left behind.
  package static var last: SystemError { SystemError(code: errno) }

  package var description: String {
    guard let text = unsafe strerror(code) else { return "error \(code)" }
    return unsafe String(cString: text)
  }

  package static let interrupted = SystemError(code: EINTR)
  package static let noSuchFile = SystemError(code: ENOENT)
  package static let alreadyExists = SystemError(code: EEXIST)
  package static let wouldBlock = SystemError(code: EWOULDBLOCK)
  package static let nameTooLong = SystemError(code: ENAMETOOLONG)
  package static let noSpace = SystemError(code: ENOSPC)
  package static let fileTooLarge = SystemError(code: EFBIG)
}
