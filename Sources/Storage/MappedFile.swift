internal import MiniGPTPlatform

internal import MiniGPTSystemC

/// A file's bytes, brought into memory by the system when they are touched, and for as long as this object lives.
///
/// Opening costs the same for any size. If another process cuts the file meanwhile, touching what is gone raises
/// SIGBUS; `MapFault` (installed by the command line) then ends the program with the file's name.
///
/// Unchecked: the memory is read-only and is unmapped when the last owner is gone.
@safe package final class MappedFile: @unchecked Sendable {
  package let path: Path
  package let count: Int
  private let base: UnsafeRawPointer?
  private let watch: Int?

  /// What is about to be done with a range of the file, so that the system can read ahead or let go.
  package enum Access: Sendable {
    case sequential, now, dontNeed

    fileprivate var advice: Int32 {
      switch self {
      case .sequential: MADV_SEQUENTIAL
      #if os(Linux)
        case .now: 22  // MADV_POPULATE_READ, which headers of old systems lack, and they refuse
      #else
        case .now: MADV_WILLNEED
      #endif
      case .dontNeed: MADV_DONTNEED
      }
    }
  }

  package convenience init(_ path: Path) throws(StorageError) {
    try self.init(Descriptor(path, .read))
  }

  /// A file, or what comes through a pipe or, with `-`, from standard input: that is kept in a file without a name.
  package static func copyingPipes(_ path: Path) throws(StorageError) -> MappedFile {
    let isInput = path == "-"
    if !isInput, Files.kind(path) != .pipe, Files.kind(path) != .socket { return try MappedFile(path) }
    let name: Path = isInput ? "standard input" : path
    let source = isInput ? try Descriptor(copyOf: 0, name) : try Descriptor(path, .pipe)
    var copy = try ScratchFile()
    var block = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = try source.readNext(&block)
      if count == 0 { break }
      try copy.append(block.span.extracting(0..<count).rawBytes)
    }
    return try MappedFile(copy.file, name)
  }

  convenience init(_ file: borrowing Descriptor) throws(StorageError) { try self.init(file, file.path) }

  /// `name` is what errors call it.
  private init(_ file: borrowing Descriptor, _ name: Path) throws(StorageError) {
    let count = try file.fileLength()
    let base = unsafe try file.map(count)
    self.path = name
    self.count = count
    unsafe self.base = base
    watch = unsafe MapFault.add(base, count, "\(name)")
  }

  /// Standard input, where it is an ordinary file of at least so many bytes and nobody has read from it; it counts as
  /// read then. Nil where it has to be read as it comes.
  package static func standardInput(atLeast count: Int) -> MappedFile? {
    guard lseek(0, 0, SEEK_CUR) == 0, let file = try? Descriptor(copyOf: 0, "standard input"),
      let length = try? file.fileLength(), length >= count, let map = try? MappedFile(file)
    else { return nil }
    _ = lseek(0, 0, SEEK_END)
    return map
  }

  deinit {
    MapFault.remove(watch)
    if let base = unsafe base { unsafe munmap(UnsafeMutableRawPointer(mutating: base), count) }
  }

  package var bytes: RawSpan {
    @_lifetime(borrow self) get {
      guard let base = unsafe base else { return unsafe _overrideLifetime(RawSpan(), borrowing: self) }
      return unsafe _overrideLifetime(RawSpan(_unsafeStart: base, byteCount: count), borrowing: self)
    }
  }

  /// A hint; the system may ignore it. `range` is widened to whole pages, except that only pages lying wholly inside
  /// it are let go.
  package func advise(_ access: Access, _ range: Range<Int>? = nil) {
    guard let base = unsafe base else { return }
    let range = (range ?? 0..<count).clamped(to: 0..<count)
    let page = Int(getpagesize())
    var start = range.lowerBound / page * page
    var end = range.upperBound
    if access == .dontNeed {
      start = (range.lowerBound + page - 1) / page * page
      end = end == count ? end : end / page * page
    }
    if start < end { unsafe _ = madvise(UnsafeMutableRawPointer(mutating: base + start), end - start, access.advice) }
  }
}
