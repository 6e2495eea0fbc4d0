internal import Synchronization

internal import MiniGPTSystemC

/// Ctrl-C, SIGTERM and SIGHUP (a terminal that is closed) as a flag that long work looks at between its steps.
///
/// The first signal sets the flag; the second ends the process at once with 128 + its number. The handler is two
/// atomic instructions on statically initialised globals.
package enum Interruption {
  private static let caught = Atomic<Int32>(0)
  private static let endsAtOnce = Atomic<Bool>(false)

  /// Lets the first signal end the process, as long as there is nothing to be lost.
  package static func endAtOnce(_ isOn: Bool) { endsAtOnce.store(isOn, ordering: .relaxed) }

  /// The signal that came, or 0.
  package static var signal: Int32 { caught.load(ordering: .relaxed) }

  package static var isRequested: Bool { signal != 0 }

  /// 130 after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP.
  package static var exitStatus: Int32 { 128 + signal }

  /// Forgets a signal that was answered, such as a Ctrl-C that stopped one continuation of many.
  package static func clear() { caught.store(0, ordering: .relaxed) }

  /// Installs the handlers, also where the shell started us with SIGINT ignored; a SIGHUP that is ignored stays so, as
  /// `nohup` wants it. Called by the program, never by the library.
  package static func watch() {
    _ = (caught.load(ordering: .relaxed), endsAtOnce.load(ordering: .relaxed))
    var action = sigaction()
    let handler: @convention(c) (Int32) -> Void = { number in
      let isFirst = Interruption.caught.compareExchange(expected: 0, desired: number, ordering: .relaxed).exchanged
      if isFirst && !Interruption.endsAtOnce.load(ordering: .relaxed) { return }
      _exit(128 + number)
    }
    #if canImport(Darwin)
      unsafe action.__sigaction_u.__sa_handler = handler
    #elseif canImport(Musl)
      unsafe action.__sa_handler.sa_handler = handler
    #else
      unsafe action.__sigaction_handler.sa_handler = handler
    #endif
    // Interrupted system calls go on by themselves; who waits for input polls (`InputLines`).
    action.sa_flags = Int32(SA_RESTART)
    // Who started us may have blocked them, and the block is inherited.
    var all = sigset_t()
    unsafe sigemptyset(&all)
    for number in [SIGINT, SIGTERM] + (isIgnored(SIGHUP) ? [] : [SIGHUP]) {
      unsafe sigaction(number, &action, nil)
      unsafe sigaddset(&all, number)
    }
    unsafe pthread_sigmask(SIG_UNBLOCK, &all, nil)
  }

  private static func isIgnored(_ number: Int32) -> Bool {
    var old = sigaction()
    guard unsafe sigaction(number, nil, &old) == 0 else { return false }
    #if canImport(Darwin)
      return unsafe unsafeBitCast(old.__sigaction_u.__sa_handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
    #elseif canImport(Musl)
      return unsafe unsafeBitCast(old.__sa_handler.sa_handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
    #else
      return unsafe unsafeBitCast(old.__sigaction_handler.sa_handler, to: Int.self)
        == unsafeBitCast(SIG_IGN, to: Int.self)
    #endif
  }
}
