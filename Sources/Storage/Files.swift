internal import MiniGPTPlatform

internal import MiniGPTSystemC

/// Questions about names in folders, and the few things done to them.
package enum Files {
  /// What stands under the name, links followed; nil where there is nothing or it cannot be seen.
  package static func kind(_ path: Path) -> FileKind? {
    information(path).map { FileKind(mode: $0.st_mode) }
  }

  package static func exists(_ path: Path) -> Bool { kind(path) != nil }

  /// The time of the last change in nanoseconds since 1970.
  package static func modificationTime(_ path: Path) -> Int64? {
    information(path).map {
      #if canImport(Darwin)
        Int64($0.st_mtimespec.tv_sec) * 1_000_000_000 + Int64($0.st_mtimespec.tv_nsec)
      #else
        Int64($0.st_mtim.tv_sec) * 1_000_000_000 + Int64($0.st_mtim.tv_nsec)
      #endif
    }
  }

  package static func size(_ path: Path) -> Int? { information(path).map { Int($0.st_size) } }

  /// The names in a folder, sorted by bytes, without `.` and `..`.
  package static func list(_ folder: Path) throws(StorageError) -> [Path] {
    try folder.validate()
    if let kind = kind(folder), kind != .folder { throw .notAFolder(folder) }
    var names: [[UInt8]] = []
    let failure = unsafe folder.withCString { name -> SystemError? in
      guard let stream = unsafe opendir(name) else { return .last }
      defer { unsafe _ = closedir(stream) }
      while let entry = unsafe readdir(stream) {
        names.append(unsafe nameBytes(entry))
      }
      return nil
    }
    if let failure { throw .refused(.list, folder, failure) }
    return names.filter { $0 != [46] && $0 != [46, 46] }.sorted { $0.lexicographicallyPrecedes($1) }
      .map { folder.appending($0) }
  }

  /// Creates a folder and those above it; one that is there already is fine.
  package static func createFolder(_ path: Path) throws(StorageError) {
    try path.validate()
    switch kind(path) {
    case .folder: return
    case .some: throw .notAFolder(path)
    case nil: break
    }
    let above = path.folder
    if above != path && !exists(above) { try createFolder(above) }
    if unsafe path.withCString({ name in unsafe mkdir(name, 0o777) }) != 0 {
      let error = SystemError.last
      if error != .alreadyExists || kind(path) != .folder { throw .refused(.create, path, error) }
    }
  }

  /// Removes a file; one that is not there is fine.
  package static func remove(_ path: Path) throws(StorageError) {
    try path.validate()
    if unsafe path.withCString({ name in unsafe unlink(name) }) != 0 {
      let error = SystemError.last
      if error != .noSuchFile { throw .refused(.remove, path, error) }
    }
  }

  /// Removes a file, if that can be done.
  package static func removeQuietly(_ path: Path) {
    unsafe path.withCString { name in unsafe _ = unlink(name) }
  }

  /// A hidden name in the folder that nothing has yet.
  static func temporary(in folder: Path, _ name: [UInt8] = Array("minigpt".utf8)) -> Path {
    let digits = hexadecimal16(UInt64.random(in: 0 ... .max))
    return folder.appending(Array(".".utf8) + name + Array(".\(digits).tmp".utf8))
  }

  /// The name without links on the way; nil where nothing has it.
  static func resolved(_ path: Path) -> Path? {
    unsafe path.withCString { name -> Path? in
      guard let text = unsafe realpath(name, nil) else { return nil }
      defer { unsafe free(text) }
      return unsafe Path(cString: text)
    }
  }

  /// Where a symbolic link points, seen from the folder that it is in.
  static func target(ofLink link: Path) -> Path? {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = unsafe link.withCString { name in
      unsafe buffer.withUnsafeMutableBytes { bytes in
        guard let base = unsafe bytes.baseAddress?.assumingMemoryBound(to: CChar.self) else { return 0 }
        return unsafe readlink(name, base, bytes.count)
      }
    }
    if count <= 0 || count == buffer.count { return nil }
    let target = Array(buffer.prefix(count))
    return target[0] == UInt8(ascii: "/") ? Path(bytes: target) : link.folder.appending(target)
  }

  /// Gives a file or folder the permissions of another, where there is one, and its owner where we may.
  static func copyPermissions(_ other: Path, to path: Path) {
    guard let other = try? Descriptor(other, .read).status() else { return }
    try? Descriptor(path, .read).takePermissions(of: other)
  }

  /// Gives a file or folder another name, so that `target` is saved.
  static func rename(_ old: Path, _ new: Path, committing target: Path) throws(StorageError) {
    let status = unsafe old.withCString { old in
      unsafe new.withCString { new in retrying { unsafe systemRename(old, new) } }
    }
    if status != 0 { throw .notCommitted(target, .rename, .last) }
  }

  /// Brings the new name of a file or folder to the disk.
  static func flushFolder(of path: Path) throws(StorageError) {
    do { try Descriptor(path.folder, .directory).flush() } catch {
      if case .refused(_, _, let cause) = error { throw .durabilityUnknown(path, cause) }
      throw error
    }
  }

  /// What is wrong with a name itself, such as being too long for its file system, whatever is or is not there.
  static func nameError(_ path: Path) -> SystemError? {
    var information = stat()
    let status = unsafe path.withCString { name in unsafe lstat(name, &information) }
    let error = SystemError.last
    return status != 0 && error == .nameTooLong ? error : nil
  }

  static func information(_ path: Path) -> stat? {
    if path.bytes.isEmpty || path.bytes.contains(0) { return nil }
    var information = stat()
    let status = unsafe path.withCString { name in unsafe stat(name, &information) }
    return status == 0 ? information : nil
  }

  private static func nameBytes(_ entry: UnsafeMutablePointer<dirent>) -> [UInt8] {
    unsafe withUnsafeBytes(of: &entry.pointee.d_name) { buffer in
      unsafe Array(buffer.prefix { $0 != 0 })
    }
  }
}

extension Path {
  init(cString: UnsafePointer<CChar>) {
    let count = unsafe strlen(cString)
    self.init(bytes: unsafe UnsafeBufferPointer(start: cString, count: count).map { UInt8(bitPattern: $0) })
  }
}

/// 16 hexadecimal digits, zeros in front.
package func hexadecimal16(_ value: UInt64) -> String {
  let digits = String(value, radix: 16)
  return String(repeating: "0", count: 16 - digits.utf8.count) + digits
}

/// The name `rename` is taken inside `Files`.
private func systemRename(_ old: UnsafePointer<CChar>, _ new: UnsafePointer<CChar>) -> Int32 {
  unsafe rename(old, new)
}
