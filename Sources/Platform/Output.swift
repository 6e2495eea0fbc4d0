internal import Synchronization

internal import MiniGPTSystemC

/// Why bytes did not arrive.
package enum OutputError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The reader of the pipe went away, as `head` does: for a filter, the end of its work and no failure.
  case readerIsGone
  case refused(Int32, SystemError)

  package var description: String {
    switch self {
    case .readerIsGone: "the reader of the output went away"
    case .refused(let descriptor, let error): "\(Self.name(descriptor)): cannot be written: \(error)"
    }
  }

  private static func name(_ descriptor: Int32) -> String {
    switch descriptor {
    case 1: "standard output"
    case 2: "standard error"
    default: "descriptor \(descriptor)"
    }
  }
}

/// Buffered writing to a descriptor that loses nothing in silence: the first failure is thrown, and again by every
/// later call.
package final class Output: Sendable {
  package static let standard = Output(1)
  package static let error = Output(2)

  package let descriptor: Int32
  private let state = Mutex(State())

  private struct State {
    var buffer: [UInt8] = []
    var failure: OutputError?
  }

  /// Bytes kept back before the system is called.
  private static let capacity = 65_536

  package init(_ descriptor: Int32) { self.descriptor = descriptor }

  /// Takes the bytes; they go out with `flush`, or when many have come together.
  package func write(_ bytes: [UInt8]) throws(OutputError) {
    try run { state in
      state.buffer += bytes
      if state.buffer.count >= Self.capacity { flush(&state) }
    }
  }

  package func write(_ text: String) throws(OutputError) { try write(Array(text.utf8)) }

  package func flush() throws(OutputError) {
    try run { state in flush(&state) }
  }

  private func run(_ body: (inout sending State) -> Void) throws(OutputError) {
    let failure = state.withLock { state in
      if state.failure == nil { body(&state) }
      return state.failure
    }
    if let failure { throw failure }
  }

  private func flush(_ state: inout State) {
    var done = 0
    while done < state.buffer.count {
      let part = unsafe state.buffer.withUnsafeBytes { buffer in
        unsafe systemWrite(descriptor, buffer.baseAddress.map { unsafe $0 + done }, buffer.count - done)
      }
      if part >= 0 {
        done += part
        continue
      }
      switch errno {
      case EINTR: continue
      case EAGAIN: waitUntilWritable()
      case EPIPE: return fail(&state, .readerIsGone)
      case let code: return fail(&state, .refused(descriptor, SystemError(code: code)))
      }
    }
    state.buffer.removeAll(keepingCapacity: true)
  }

  private func fail(_ state: inout State, _ error: OutputError) {
    state.failure = error
    state.buffer = []
  }

  /// Somebody else made the terminal or pipe non-blocking.
  private func waitUntilWritable() {
    var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    unsafe _ = poll(&request, 1, 1000)
  }
}

/// `write` is the name of a method there.
private func systemWrite(_ descriptor: Int32, _ base: UnsafeRawPointer?, _ count: Int) -> Int {
  unsafe write(descriptor, base, count)
}
