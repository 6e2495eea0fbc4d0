internal import MiniGPTPlatform

internal import MiniGPTSystemC

/// The owner of an open file. All system calls on files go through here, so that interruption, short reads and short
/// writes are dealt with once.
struct Descriptor: ~Copyable {
  let path: Path
  private var number: Int32

  /// What `fstat` says of the file.
  struct Status {
    let kind: FileKind
    let count: Int
    let identity: FileIdentity
    let mode: mode_t
    let owner: uid_t
    let group: gid_t
  }

  enum Mode {
    case read, pipe, append, createNew, directory, lock, unnamed

    var flags: Int32 {
      switch self {
      case .read, .pipe: O_RDONLY | O_CLOEXEC
      case .append: O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC
      case .createNew: O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
      case .directory: O_RDONLY | O_DIRECTORY | O_CLOEXEC
      case .lock: O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC
      // Linux's O_TMPFILE, which the headers give as an expression that Swift cannot read; elsewhere nothing is opened.
      case .unnamed: O_RDWR | 0o20_000_000 | O_DIRECTORY | O_CLOEXEC
      }
    }
  }

  /// `O_NONBLOCK` keeps a pipe without a writer from blocking us for ever; it means nothing to an ordinary file.
  init(_ path: Path, _ mode: Mode) throws(StorageError) {
    try path.validate()
    let flags = mode.flags | (mode == .read ? O_NONBLOCK : 0)
    let number = unsafe path.withCString { name in retrying { unsafe open(name, flags, 0o666) } }
    if number < 0 { throw .refused(mode == .createNew ? .create : .open, path, .last) }
    self.path = path
    self.number = number
  }

  /// Another number for a file that is open already; `path` is what errors call it.
  init(copyOf number: Int32, _ path: Path) throws(StorageError) {
    let copy = retrying { dup(number) }
    if copy < 0 { throw .refused(.open, path, .last) }
    self.path = path
    self.number = copy
  }

  deinit { if number >= 0 { _ = systemClose(number) } }

  func status() throws(StorageError) -> Status {
    var information = stat()
    if unsafe fstat(number, &information) != 0 { throw .refused(.inspect, path, .last) }
    return Status(
      kind: FileKind(mode: information.st_mode), count: Int(information.st_size), identity: FileIdentity(information),
      mode: information.st_mode, owner: information.st_uid, group: information.st_gid)
  }

  /// The length of an ordinary file; anything else is refused by name.
  func fileLength() throws(StorageError) -> Int {
    let status = try status()
    if status.kind != .file { throw .notAFile(path, status.kind) }
    return status.count
  }

  func map(_ count: Int) throws(StorageError) -> UnsafeRawPointer? {
    if count == 0 { return nil }
    let base = unsafe mmap(nil, count, PROT_READ, MAP_SHARED, number, 0)
    if unsafe base == MAP_FAILED { throw .refused(.map, path, .last) }
    return UnsafeRawPointer(base)
  }

  /// Reads until `buffer` is full or the file ends; returns how many bytes came.
  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(StorageError) -> Int {
    guard let base = buffer.baseAddress else { return 0 }
    var done = 0
    while done < buffer.count {
      let part = retrying { unsafe pread(number, base + done, buffer.count - done, off_t(offset + done)) }
      if part < 0 { throw .refused(.read, path, .last) }
      if part == 0 { break }
      done += part
    }
    return done
  }

  /// The next bytes of a pipe; 0 at its end.
  func readNext(_ block: inout [UInt8]) throws(StorageError) -> Int {
    let number = number
    let count = unsafe block.withUnsafeMutableBytes { buffer in
      retrying { unsafe systemRead(number, buffer.baseAddress, buffer.count) }
    }
    if count < 0 { throw .refused(.read, path, .last) }
    return count
  }

  func write(_ bytes: RawSpan) throws(StorageError) {
    let failure = unsafe bytes.withUnsafeBytes { buffer in
      unsafe writeAll(buffer) { base, count, _ in unsafe systemWrite(number, base, count) }
    }
    if let failure { throw .refused(.write, path, failure) }
  }

  func write(_ bytes: RawSpan, at offset: Int) throws(StorageError) {
    let failure = unsafe bytes.withUnsafeBytes { buffer in
      unsafe writeAll(buffer) { base, count, done in unsafe pwrite(number, base, count, off_t(offset + done)) }
    }
    if let failure { throw .refused(.write, path, failure) }
  }

  func truncate(to count: Int) throws(StorageError) {
    if retrying({ ftruncate(number, off_t(count)) }) != 0 { throw .refused(.truncate, path, .last) }
  }

  /// Brings what was written to the disk. A failure is final: what the disk holds is unknown, a second call would lie.
  func flush() throws(StorageError) {
    #if canImport(Darwin)
      let status = retrying { fcntl(number, F_FULLFSYNC) }
    #else
      let status = retrying { fsync(number) }
    #endif
    if status != 0 { throw .refused(.flush, path, .last) }
  }

  /// Gives the file the permissions of another, and its owner where we may.
  func takePermissions(of other: Status) {
    _ = fchown(number, other.owner, other.group)
    _ = fchmod(number, other.mode & 0o7777)
  }

  /// Takes the file for ourselves until it is closed; false where another process (or owner) has it.
  @discardableResult
  func lock() -> Bool { retrying { flock(number, LOCK_EX | LOCK_NB) } == 0 }

  /// Closes and reports what the system says then, as some file systems report a full disk only here.
  mutating func close() throws(StorageError) {
    let old = number
    number = -1
    if old >= 0, systemClose(old) != 0, SystemError.last != .interrupted { throw .refused(.close, path, .last) }
  }

  private func writeAll(
    _ buffer: UnsafeRawBufferPointer, _ put: (UnsafeRawPointer, Int, Int) -> Int
  ) -> SystemError? {
    guard let base = buffer.baseAddress else { return nil }
    var done = 0
    while done < buffer.count {
      let part = retrying { unsafe put(base + done, min(buffer.count - done, 1 << 30), done) }
      if part < 0 { return .last }
      done += part
    }
    return nil
  }
}

extension Path {
  func validate() throws(StorageError) {
    if bytes.isEmpty { throw .emptyName }
    if bytes.contains(0) { throw .nameWithNUL(self) }
  }
}

extension FileKind {
  init(mode: mode_t) {
    switch mode & S_IFMT {
    case S_IFREG: self = .file
    case S_IFDIR: self = .folder
    case S_IFCHR: self = .characterDevice
    case S_IFBLK: self = .blockDevice
    case S_IFIFO: self = .pipe
    case S_IFSOCK: self = .socket
    default: self = .other
    }
  }
}

/// Repeats a system call that a signal interrupted.
func retrying<Result: SignedInteger>(_ call: () -> Result) -> Result {
  while true {
    let result = call()
    if result >= 0 || SystemError.last != .interrupted { return result }
  }
}

/// The names `close`, `read` and `write` are taken inside `Descriptor`.
private func systemClose(_ number: Int32) -> Int32 { close(number) }
private func systemRead(_ number: Int32, _ base: UnsafeMutableRawPointer?, _ count: Int) -> Int {
  unsafe read(number, base, count)
}
private func systemWrite(_ number: Int32, _ base: UnsafeRawPointer, _ count: Int) -> Int {
  unsafe write(number, base, count)
}
