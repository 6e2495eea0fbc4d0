internal import MiniGPTPlatform

internal import MiniGPTSystemC

/// A name that one process at a time may write, until the value is gone.
///
/// What is locked is a hidden empty file beside the name, since the file itself is replaced. It goes with the lock; the
/// system takes the lock from a process that dies, and the next one takes the file over.
package final class NameLock: Sendable {
  private let file: Descriptor

  /// The lock of the files whose names begin with `base`. Throws `.owned` where another process has it, and `.refused`
  /// where nothing can be created in the folder.
  package init(_ base: Path) throws(StorageError) {
    let name = base.folder.appending(Array(".".utf8) + base.name.prefix(200) + Array(".lock".utf8))
    while true {
      let file: Descriptor
      do { file = try Descriptor(name, .lock) } catch {
        if case .refused(_, _, let cause) = error { throw .refused(.write, base.folder, cause) }
        throw error
      }
      if !file.lock(), SystemError.last == .wouldBlock { throw .owned(base) }
      // Who had it before may have removed the name between our opening and our locking.
      if FileIdentity(name) == (try file.status().identity) {
        self.file = file
        return
      }
    }
  }

  deinit { Files.removeQuietly(file.path) }
}
