internal import MiniGPTPlatform

internal import MiniGPTSystemC

/// A folder of files that appears under its name all at once, complete and on the disk, or not at all.
///
/// Its files are written into a hidden folder beside it (`.name.<16 hex digits>.tmp`), each with `AtomicFile`; `commit`
/// brings the folder to the disk and renames it. Dropped without `commit`, it leaves no trace.
package struct AtomicFolder: ~Copyable {
  /// The name under which the folder will appear.
  package let path: Path
  /// Where its files are written until then.
  package let temporary: Path
  private var isPending = true

  package init(_ path: Path) throws(StorageError) {
    try path.validate()
    let target = Self.resolve(path)
    let temporary = AtomicFile.temporaryName(of: target)
    if unsafe temporary.withCString({ name in unsafe mkdir(name, 0o777) }) != 0 {
      throw .notCommitted(path, .create, .last)
    }
    self.path = target
    self.temporary = temporary
  }

  deinit { if isPending { Self.remove(temporary) } }

  /// Takes a file of the old folder into the new one: a second name for it, so that nothing is copied and it is there at
  /// any moment.
  package func keep(_ file: Path) throws(StorageError) {
    let status = unsafe file.withCString { old in
      unsafe temporary.appending(file.name).withCString { new in unsafe link(old, new) }
    }
    if status != 0 { throw .notCommitted(file, .rename, .last) }
  }

  /// Puts the folder into its place. With `replacing`, an old one gives way to it: both are complete at any moment, and
  /// the old one is removed only when the new one has its name.
  package consuming func commit(replacing: Bool) throws(StorageError) {
    do { try Descriptor(temporary, .directory).flush() } catch { throw error.notCommitting(path) }
    if replacing && Files.kind(path) == .folder {
      for file in try Files.list(temporary) { Files.copyPermissions(path.appending(file.name), to: file) }
      Files.copyPermissions(path, to: temporary)
      try replace()
    } else {
      try Files.rename(temporary, path, committing: path)
    }
    isPending = false
    try Files.flushFolder(of: path)
  }

  private func replace() throws(StorageError) {
    if Self.exchange(temporary, path) { return Self.remove(temporary) }
    // Where a system cannot exchange two names, the old folder has a hidden one for a moment.
    let old = Path(bytes: temporary.bytes.dropLast(4) + Array(".old".utf8))
    try Files.rename(path, old, committing: path)
    do { try Files.rename(temporary, path, committing: path) } catch {
      try Files.rename(old, path, committing: path)
      throw error
    }
    Self.remove(old)
  }

  private typealias Exchange =
    @convention(c) (Int32, UnsafePointer<CChar>, Int32, UnsafePointer<CChar>, UInt32) -> Int32

  /// Gives two names each other's folder at once. Swift does not see the function, so it is asked for by its name.
  private static func exchange(_ one: Path, _ other: Path) -> Bool {
    guard let symbol = unsafe dlsym(nil, "renameat2") else { return false }
    let function = unsafe unsafeBitCast(symbol, to: Exchange.self)
    let exchanges: UInt32 = 2
    return unsafe one.withCString { one in
      unsafe other.withCString { other in unsafe function(AT_FDCWD, one, AT_FDCWD, other, exchanges) } == 0
    }
  }

  /// Removes a folder of ordinary files.
  private static func remove(_ folder: Path) {
    for file in (try? Files.list(folder)) ?? [] { Files.removeQuietly(file) }
    unsafe folder.withCString { name in unsafe _ = rmdir(name) }
  }

  /// The folder behind a link, so that the link stays; a slash at the end of a name means nothing.
  private static func resolve(_ path: Path) -> Path {
    let plain = path.withoutEndingSlash
    return Files.resolved(plain) ?? plain
  }
}
