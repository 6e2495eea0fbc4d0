internal import MiniGPTSystemC

/// Lines of a descriptor as bytes, one after another, in the memory of one line.
package struct InputLines: ~Copyable {
  package enum Next: Hashable, Sendable {
    /// Without its end, LF or CR LF; a byte order mark before the first line is no part of it.
    case line([UInt8])
    /// Ctrl-C or SIGTERM came while we waited.
    case interrupted
    case end
  }

  /// A line longer than this is an error (EFBIG), as it would eat all memory.
  private let limit: Int
  private let descriptor: Int32
  private var block = [UInt8](repeating: 0, count: 65_536)
  private var next = 0
  private var filled = 0
  private var isAtEnd = false
  private var isFirst = true

  package init(_ descriptor: Int32 = 0, limit: Int = 1 << 30) {
    self.descriptor = descriptor
    self.limit = limit
  }

  /// Whether a whole line has come already, so that `read` does not wait.
  package var hasLine: Bool { block[next..<filled].contains(UInt8(ascii: "\n")) }

  /// The next line; the last one may lack its newline. A line begun before an interruption is dropped.
  package mutating func read() throws(SystemError) -> Next {
    let next = try readWhole()
    guard case .line(let line) = next else { return next }
    defer { isFirst = false }
    return .line(TextLine.content(of: line, isFirst: isFirst))
  }

  private mutating func readWhole() throws(SystemError) -> Next {
    var line: [UInt8] = []
    while true {
      if next == filled {
        if isAtEnd { return line.isEmpty ? .end : .line(line) }
        switch try fill() {
        case .interrupted: return .interrupted
        case .end where line.isEmpty: return .end
        case .end: return .line(line)
        case .line: break
        }
      }
      let fresh = block[next..<filled]
      if let newline = fresh.firstIndex(of: UInt8(ascii: "\n")) {
        line += block[next..<newline]
        next = newline + 1
        return .line(line)
      }
      line += fresh
      next = filled
      if line.count > limit { throw .fileTooLarge }
    }
  }

  /// The bytes that are there, at most a block of them, as a `line` whatever newlines they hold.
  package mutating func readBlock() throws(SystemError) -> Next {
    if next == filled {
      if isAtEnd { return .end }
      let outcome = try fill()
      if outcome != .line([]) { return outcome }
    }
    defer { next = filled }
    return .line(Array(block[next..<filled]))
  }

  /// Everything that is left, at most `limit` bytes; nil when interrupted.
  package mutating func readAll() throws(SystemError) -> [UInt8]? {
    var bytes = Array(block[next..<filled])
    next = filled
    while !isAtEnd {
      switch try fill() {
      case .interrupted: return nil
      case .end: return bytes
      case .line: bytes += block[next..<filled]
      }
      next = filled
      if bytes.count > limit { throw .fileTooLarge }
    }
    return bytes
  }

  /// Waits for bytes and takes them. A signal restarts a `read` that waits, so that the flag would be seen only behind
  /// the next key; `poll` is asked first, for a moment at a time, as a signal may come just before it.
  private mutating func fill() throws(SystemError) -> Next {
    while true {
      if Interruption.isRequested { return .interrupted }
      var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let ready = unsafe poll(&request, 1, 100)
      if ready == 0 || (ready < 0 && errno == EINTR) { continue }
      let descriptor = descriptor
      let count = unsafe block.withUnsafeMutableBytes { buffer in
        unsafe systemRead(descriptor, buffer.baseAddress, buffer.count)
      }
      if count < 0 && (errno == EINTR || errno == EAGAIN) { continue }
      if count < 0 { throw .last }
      next = 0
      filled = count
      isAtEnd = count == 0
      return count == 0 ? .end : .line([])
    }
  }
}

/// `read` is the name of a method there.
private func systemRead(_ descriptor: Int32, _ base: UnsafeMutableRawPointer?, _ count: Int) -> Int {
  unsafe read(descriptor, base, count)
}
