internal import Synchronization

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Darwin
#endif

/// Editing of the line that is typed, with a history, by a library that is looked for at run time: libedit, or else GNU
/// readline. Nothing is linked; where neither is installed, `find` is nil and the caller reads plain lines.
@safe package struct LineEditor {
  package typealias Next = InputLines.Next

  private typealias ReadLine = @convention(c) (UnsafePointer<CChar>?) -> UnsafeMutablePointer<CChar>?
  private typealias AddHistory = @convention(c) (UnsafePointer<CChar>?) -> Int32
  private typealias EventHook = @convention(c) () -> Int32

  private let readLine: ReadLine
  private let addHistory: AddHistory
  /// Whether the cursor is on a fresh line when no line came.
  private let endsLine: Bool

  /// GNU readline stays inside on Ctrl-C; its hook, called some ten times a second, ends the line by this variable.
  private static let done = Atomic<UInt>(0)

  #if canImport(Darwin)
    private static let names = ["libedit.3.dylib"]
  #else
    private static let names = ["libedit.so.2", "libreadline.so.8"]
  #endif

  /// The first library found. Both want to know the encoding; without it libedit swallows every key beyond ASCII.
  package static func find() -> LineEditor? {
    for name in names {
      guard let library = unsafe dlopen(name, RTLD_NOW | RTLD_LOCAL),
        let readLine = unsafe dlsym(library, "readline"), let addHistory = unsafe dlsym(library, "add_history")
      else { continue }
      if unsafe setlocale(LC_CTYPE, "C.UTF-8") == nil { unsafe _ = setlocale(LC_CTYPE, "") }
      let isReadline = name.hasPrefix("libreadline")
      if isReadline { unsafe watchForInterruption(library) }
      return unsafe LineEditor(
        readLine: unsafeBitCast(readLine, to: ReadLine.self),
        addHistory: unsafeBitCast(addHistory, to: AddHistory.self), endsLine: isReadline)
    }
    return nil
  }

  /// Shows `prompt` and reads a line; Ctrl-C gives `interrupted` and leaves the flag of `Interruption` set.
  package func read(prompt: String) -> Next {
    errno = 0
    let text = unsafe prompt.withCString { unsafe readLine($0) }
    let code = errno
    guard let text = unsafe text else {
      // GNU readline ends the line on the screen itself.
      if !endsLine { unsafe _ = write(1, "\n", 1) }
      return Interruption.isRequested || code == EINTR ? .interrupted : .end
    }
    defer { unsafe free(text) }
    if Interruption.isRequested { return .interrupted }
    return .line(unsafe UnsafeBufferPointer(start: text, count: strlen(text)).map { UInt8(bitPattern: $0) })
  }

  /// Makes a line come back with the arrow keys.
  package func remember(_ line: [UInt8]) {
    if line.isEmpty || line.contains(0) { return }
    let text = line.map { CChar(bitPattern: $0) } + [0]
    unsafe text.withUnsafeBufferPointer { unsafe _ = addHistory($0.baseAddress) }
  }

  private static func watchForInterruption(_ library: UnsafeMutableRawPointer) {
    guard let done = unsafe dlsym(library, "rl_done"), let hook = unsafe dlsym(library, "rl_event_hook"),
      let catching = unsafe dlsym(library, "rl_catch_signals")
    else { return }
    LineEditor.done.store(UInt(bitPattern: done), ordering: .relaxed)
    unsafe catching.storeBytes(of: 0, as: Int32.self)
    let body: EventHook = {
      if Interruption.isRequested {
        unsafe UnsafeMutableRawPointer(bitPattern: LineEditor.done.load(ordering: .relaxed))?
          .storeBytes(of: 1, as: Int32.self)
      }
      return 0
    }
    unsafe hook.storeBytes(of: unsafeBitCast(body, to: UInt.self), as: UInt.self)
  }
}
