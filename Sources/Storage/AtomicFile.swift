internal import MiniGPTPlatform

internal import MiniGPTSystemC

/// A file that appears under its name all at once, complete and on the disk, or not at all.
///
/// It is written under a hidden name in the same folder (`.name.<16 hex digits>.tmp`, created with `O_EXCL`, so that
/// nobody can put a link there), then `commit` does fsync, close, rename, and fsync of the folder. Whatever is killed,
/// and whenever, the name leads to the old file or to the new one. Dropped without `commit`, it leaves no trace.
///
/// A name that is a symbolic link is followed first: the file behind the link is replaced, the link stays.
package struct AtomicFile: ~Copyable {
  /// The name under which the file will appear.
  package let path: Path
  /// Bytes appended so far.
  package private(set) var count = 0
  private let temporary: Path
  private var file: Descriptor
  private var isPending = true

  package init(_ path: Path) throws(StorageError) {
    try path.validate()
    let target = try Self.resolve(path)
    var attempts = 0
    while true {
      let temporary = Self.temporaryName(of: target)
      do throws(StorageError) {
        let file = try Descriptor(temporary, .createNew)
        file.lock()
        Files.copyPermissions(target, to: temporary)
        self.path = target
        self.temporary = temporary
        self.file = file
        return
      } catch {
        attempts += 1
        guard case .refused(_, _, let cause) = error else { throw error }
        if cause != .alreadyExists || attempts == 100 { throw .notCommitted(path, .create, cause) }
      }
    }
  }

  deinit { if isPending { Files.removeQuietly(temporary) } }

  package mutating func append(_ bytes: RawSpan) throws(StorageError) {
    do { try file.write(bytes) } catch { throw error.notCommitting(path) }
    count += bytes.byteCount
  }

  package mutating func append(_ bytes: [UInt8]) throws(StorageError) {
    try append(bytes.rawBytes)
  }

  /// Writes over what was appended before, as for a header whose checksums are known last.
  package mutating func overwrite(at offset: Int, _ bytes: RawSpan) throws(StorageError) {
    check(
      offset >= 0 && offset + bytes.byteCount <= count,
      "overwrite of \(bytes.byteCount) bytes at \(offset) in a file of \(count)")
    do { try file.write(bytes, at: offset) } catch { throw error.notCommitting(path) }
  }

  /// Puts the file into its place. After `notCommitted` the old file is as it was; after `durabilityUnknown` the new
  /// one is in its place already.
  package consuming func commit() throws(StorageError) {
    do {
      try file.flush()
      try file.close()
    } catch { throw error.notCommitting(path) }
    try Files.rename(temporary, path, committing: path)
    isPending = false
    try Files.flushFolder(of: path)
  }

  /// Writes a whole file.
  package static func write(_ bytes: RawSpan, to path: Path) throws(StorageError) {
    var file = try AtomicFile(path)
    try file.append(bytes)
    try file.commit()
  }

  /// A hidden name beside a file, for what is whole and is to take its place later; `removeLeftovers` knows it.
  package static func waitingName(of path: Path) -> Path { temporaryName(of: destination(of: path)) }

  /// Puts a file that was written under its waiting name into its place.
  package static func replace(_ path: Path, by waiting: Path) throws(StorageError) {
    let target = try resolve(path)
    Files.copyPermissions(target, to: waiting)
    try Files.rename(waiting, target, committing: path)
    try Files.flushFolder(of: target)
  }

  /// Removes what processes that were killed in the middle of a save left in a folder, of those files that `isTarget`
  /// names; of a long name it hears the beginning alone. A file that somebody is writing stays: it is locked.
  package static func removeLeftovers(
    in folder: Path, of isTarget: (_ name: [UInt8], _ isCut: Bool) -> Bool
  ) throws(StorageError) {
    // A dot, the name, a dot, 16 digits, an ending.
    let ending = Array(".tmp".utf8), most = 1 + 1 + 16 + ending.count
    for file in try Files.list(folder) {
      let name = file.name
      guard name.count > most, name[0] == UInt8(ascii: "."), name.suffix(ending.count).elementsEqual(ending),
        name.suffix(ending.count + 16).prefix(16).allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit })
      else { continue }
      let target = Array(name[1..<(name.count - most + 1)])
      guard isTarget(target, target.count == nameLimit), let opened = try? Descriptor(file, .read), opened.lock() else {
        continue
      }
      Files.removeQuietly(file)
    }
  }

  /// The file that would be written: what a symbolic link leads to.
  package static func destination(of path: Path) -> Path { (try? resolve(path)) ?? path }

  /// The file behind `path`, which must be an ordinary one or not be there yet: a rename would replace a device or a
  /// pipe just as readily.
  private static func resolve(_ path: Path, links: Int = 0) throws(StorageError) -> Path {
    var information = stat()
    let isLink = unsafe path.withCString { name in
      unsafe lstat(name, &information) == 0 && information.st_mode & S_IFMT == S_IFLNK
    }
    if let kind = Files.kind(path), kind != .file { throw .notAFile(path, kind) }
    if !isLink { return path }
    if let resolved = Files.resolved(path) { return resolved }
    // A link to what is not there yet; a ring of links is refused by the system when the file is created.
    guard links < 40, let target = Files.target(ofLink: path) else { throw .notCommitted(path, .inspect, .last) }
    return try resolve(target, links: links + 1)
  }

  /// The system allows 255 bytes; of a long name the temporary one has only the beginning.
  private static let nameLimit = 200

  /// Beside the target, hidden and new.
  static func temporaryName(of target: Path) -> Path {
    Files.temporary(in: target.folder, Array(target.name.prefix(nameLimit)))
  }
}
