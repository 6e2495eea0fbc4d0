internal import MiniGPTPlatform

internal import MiniGPTSystemC

/// What makes two names one file: the device, and the number of the file on it.
package struct FileIdentity: Hashable, Sendable {
  private let device: UInt64
  private let number: UInt64

  init(_ information: stat) {
    device = UInt64(truncatingIfNeeded: information.st_dev)
    number = UInt64(truncatingIfNeeded: information.st_ino)
  }

  /// The file that a name leads to, links followed; nil where there is none.
  package init?(_ path: Path) {
    guard let information = Files.information(path) else { return nil }
    self.init(information)
  }

  /// The ordinary file that a descriptor of the process is open on; nil for a terminal, a pipe and the like.
  init?(standard descriptor: Int32) {
    var information = stat()
    guard unsafe fstat(descriptor, &information) == 0, FileKind(mode: information.st_mode) == .file else { return nil }
    self.init(information)
  }
}
