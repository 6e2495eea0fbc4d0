internal import Synchronization

internal import MiniGPTSystemC

/// What happens when a mapped file is cut by somebody else and the missing part is touched: SIGBUS.
///
/// Every map is entered here with its file's name; the handler looks the address up, says which file it was in one
/// line, and leaves with status 1. A handler may neither allocate nor lock, so it reads a table of fixed size whose
/// messages were made beforehand. Maps beyond the table's size get a message without a name.
package enum MapFault {
  /// One map; the slot is free where `start` is zero.
  @unsafe private struct Slot {
    var start: UInt = 0
    var end: UInt = 0
    var message: UnsafeMutablePointer<CChar>?
  }

  private static let slots = 256
  private static let lock = Mutex<Void>(())
  /// Written under `lock` only; read without it by the handler alone, which ends the process.
  private static nonisolated(unsafe) let table: UnsafeMutablePointer<Slot> = {
    let table = UnsafeMutablePointer<Slot>.allocate(capacity: slots)
    unsafe table.initialize(repeating: Slot(), count: slots)
    return unsafe table
  }()

  /// Makes SIGBUS end the program with a message. Called by the program, never by the library.
  package static func watch() {
    _ = unsafe table
    var action = sigaction()
    #if canImport(Darwin)
      unsafe action.__sigaction_u.__sa_sigaction = { _, information, _ in unsafe MapFault.end(information) }
    #elseif canImport(Musl)
      unsafe action.__sa_handler.sa_sigaction = { _, information, _ in unsafe MapFault.end(information) }
    #else
      unsafe action.__sigaction_handler.sa_sigaction = { _, information, _ in unsafe MapFault.end(information) }
    #endif
    action.sa_flags = SA_SIGINFO
    unsafe sigaction(SIGBUS, &action, nil)
  }

  /// Enters a map; the result is for `remove`.
  package static func add(_ base: UnsafeRawPointer?, _ count: Int, _ name: String) -> Int? {
    guard let base = unsafe base else { return nil }
    let start = UInt(bitPattern: base)
    let message = unsafe strdup("minigpt: \(name): changed while it was read\n")
    return lock.withLock { _ in
      for index in 0..<slots where unsafe table[index].start == 0 {
        unsafe table[index] = Slot(start: start, end: start + UInt(count), message: message)
        return index
      }
      unsafe free(message)
      return nil
    }
  }

  package static func remove(_ index: Int?) {
    guard let index else { return }
    lock.withLock { _ in
      let message = unsafe table[index].message
      unsafe table[index] = Slot()
      unsafe free(message)
    }
  }

  private static func end(_ information: UnsafeMutablePointer<siginfo_t>?) {
    let place = unsafe address(information)
    for index in 0..<slots {
      let slot = unsafe table[index]
      if unsafe slot.start != 0 && slot.start <= place && place < slot.end, let message = unsafe slot.message {
        unsafe _ = write(2, message, strlen(message))
        _exit(1)
      }
    }
    let text: StaticString = "minigpt: a file changed while it was read\n"
    unsafe _ = write(2, text.utf8Start, text.utf8CodeUnitCount)
    _exit(1)
  }

  /// Where the fault was; 0 where it was none.
  private static func address(_ information: UnsafeMutablePointer<siginfo_t>?) -> UInt {
    guard let information = unsafe information?.pointee else { return 0 }
    // Sent by somebody's `kill`: no address stands there, but the sender.
    if unsafe information.si_code <= 0 { return 0 }
    #if canImport(Darwin)
      return UInt(bitPattern: information.si_addr)
    #elseif canImport(Musl)
      return unsafe UInt(bitPattern: information.__si_fields.__sigfault.si_addr)
    #else
      return unsafe UInt(bitPattern: information._sifields._sigfault.si_addr)
    #endif
  }
}
