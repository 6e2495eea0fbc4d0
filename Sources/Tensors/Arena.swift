internal import MiniGPTPlatform

internal import MiniGPTSystemC

/// Owns a block of floats for its whole life: zero at first, at a multiple of 64 bytes, pages taken when touched.
@safe package struct Arena: ~Copyable {
  package let count: Int
  let base: UnsafeMutablePointer<Float>
  private let bytes: Int

  package init(count: Int) {
    check(count >= 0 && count < 1 << 46, "an arena of \(count) floats")
    self.count = count
    bytes = max(count * 4, 4096)
    let mapped = unsafe mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let mapped = unsafe mapped, unsafe mapped != MAP_FAILED else {
      ProcessMemory.exhausted(wanted: bytes)
    }
    #if os(Linux)
      // Large pages spare the table walks of strided reads.
      if bytes >= 1 << 22 { unsafe madvise(mapped, bytes, 14) }
    #endif
    unsafe base = mapped.bindMemory(to: Float.self, capacity: max(count, 1))
  }

  deinit { unsafe munmap(base, bytes) }
}

/// The weights of a model: in an arena of their own, or seen in place in a mapped file.
///
/// Unchecked: written only by the training step that owns it, through the `Memory` built on it; a mapped one is never
/// written.
@safe package final class ParameterStorage: @unchecked Sendable {
  package let count: Int
  package let isWritable: Bool
  let base: UnsafeMutablePointer<Float>
  private let arena: Arena?
  private let owner: AnyObject?

  /// Zeros.
  package init(count: Int) {
    let arena = Arena(count: count)
    self.count = count
    isWritable = true
    unsafe base = arena.base
    self.arena = consume arena
    owner = nil
  }

  /// Sees the floats of `bytes` where they lie, at a multiple of 4: whoever opens a file sees to that. `owner` keeps
  /// them there as long as this object lives.
  package init(viewing bytes: RawSpan, keptBy owner: AnyObject) {
    let address = unsafe bytes.withUnsafeBytes { $0.baseAddress }
    count = bytes.byteCount / 4
    isWritable = false
    if let address = unsafe address {
      check(UInt(bitPattern: address) % 4 == 0, "floats at an address that is no multiple of 4")
      unsafe base = UnsafeMutableRawPointer(mutating: address).assumingMemoryBound(to: Float.self)
    } else {
      unsafe base = UnsafeMutablePointer(bitPattern: 64).unsafelyUnwrapped
    }
    arena = nil
    self.owner = owner
  }

  /// Has a mapped file shown in small pages, since in large ones a bias that is read would hold two megabytes: for whoever
  /// is about to release most of it.
  package func useSmallPages() {
    #if os(Linux)
      if !isWritable { advise(Slot(.parameters, offset: 0, rows: 1, columns: count), 15) }
    #endif
  }

  /// Gives the pages back that lie wholly inside of a slot: those of a mapped file, which are read anew for whoever
  /// wants them again; where `discarding`, those of an arena too, whose numbers are zero from then on.
  package func release(_ slot: Slot, discarding: Bool = false) {
    if !isWritable || discarding { advise(slot, MADV_DONTNEED) }
  }

  private func advise(_ slot: Slot, _ advice: Int32) {
    check(slot.region == .parameters && slot.end <= count, "pages of \(slot) of \(count) parameters")
    let page = Int(getpagesize()), start = unsafe UInt(bitPattern: base + slot.offset)
    let first = (Int(start) + page - 1) / page * page, end = (Int(start) + 4 * (slot.end - slot.offset)) / page * page
    if end > first { unsafe _ = madvise(UnsafeMutableRawPointer(bitPattern: first), end - first, advice) }
  }
}
