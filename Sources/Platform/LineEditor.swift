internal import Synchronization

internal import MiniGPTSystemC

/// Editing of the line that is typed, with a history and completion, by a library that is looked for at run time: libedit,
/// or else GNU readline. Nothing is linked; where neither is installed, `find` is nil and the caller reads plain lines.
///
/// Both libraries keep their state in global variables: there is one editor in a process, and one thread uses it.
@safe package struct LineEditor {
  package typealias Next = InputLines.Next
  /// What may stand in place of the word that begins at `wordStart` of `line`, which ends at the cursor.
  package typealias Completer = @Sendable (_ line: [UInt8], _ wordStart: Int) -> [[UInt8]]

  private typealias ReadLine = @convention(c) (UnsafePointer<CChar>?) -> UnsafeMutablePointer<CChar>?
  private typealias AddHistory = @convention(c) (UnsafePointer<CChar>?) -> Int32
  private typealias EventHook = @convention(c) () -> Int32
  private typealias SetTimeout = @convention(c) (Int32) -> Int32
  private typealias ReadKey = @convention(c) (UnsafeMutableRawPointer?) -> Int32
  private typealias Resize = @convention(c) () -> Void
  private typealias CopyText = @convention(c) (Int32, Int32) -> UnsafeMutablePointer<CChar>?
  private typealias Command = @convention(c) (Int32, Int32) -> Int32
  private typealias BindKey = @convention(c) (Int32, Command?) -> Int32
  private typealias Generator = @convention(c) (UnsafePointer<CChar>?, Int32) -> UnsafeMutablePointer<CChar>?

  private let library: UnsafeMutableRawPointer
  private let readLine: ReadLine
  private let addHistory: AddHistory
  /// Whether the cursor is on a fresh line when no line came.
  private let endsLine: Bool

  /// What the functions that the libraries call need to know.
  private static let shared = Mutex(Shared())
  /// GNU readline stays inside on Ctrl-C; its hook, called many times a second, ends the line by this variable.
  private static let done = Atomic<UInt>(0)

  private struct Shared {
    var completer: Completer?
    var found: [[UInt8]] = []
    /// Addresses of the library's variables: the line, the cursor in it, and what is put behind a completed word.
    var line = UInt(0), point = UInt(0), appended = UInt(0)
    /// Whether Ctrl-C has sent the cursor to the end of the line.
    var isEnding = false
    /// The first two bytes, but for Tab, that were typed for this line.
    var keys: [UInt8] = []
    /// Where the library looks whether Tab is a letter like others.
    var inhibited = UInt(0)
    /// The functions that copy a part of libedit's line, and that insert a letter or complete a word of readline's.
    var copy = UInt(0), insert = UInt(0), finish = UInt(0)
    /// The function that tells libedit of another width of the terminal, and the width that it knows.
    var resize = UInt(0), width = 0
  }

  #if canImport(Darwin)
    private static let names = ["libedit.3.dylib"]
  #else
    private static let names = ["libedit.so.2", "libreadline.so.8"]
  #endif

  /// The first library found; `MINIGPT_EDITOR` names another, or none with `none`. Both want to know the encoding;
  /// without it libedit swallows every key beyond ASCII.
  package static func find() -> LineEditor? {
    for name in Environment.string("MINIGPT_EDITOR").map({ [$0] }) ?? names {
      guard let library = unsafe dlopen(name, RTLD_NOW | RTLD_LOCAL),
        let readLine = unsafe dlsym(library, "readline"), let addHistory = unsafe dlsym(library, "add_history")
      else { continue }
      if unsafe setlocale(LC_CTYPE, "C.UTF-8") == nil { unsafe _ = setlocale(LC_CTYPE, "") }
      let isReadline = name.contains("readline")
      if isReadline {
        unsafe watchForInterruption(library)
        unsafe bindTab(library)
      } else {
        unsafe readKeys(library)
      }
      return unsafe LineEditor(
        library: library, readLine: unsafeBitCast(readLine, to: ReadLine.self),
        addHistory: unsafeBitCast(addHistory, to: AddHistory.self), endsLine: isReadline)
    }
    return nil
  }

  /// Shows `prompt` and reads a line; Ctrl-C gives `interrupted` and leaves the flag of `Interruption` set.
  package func read(prompt: String) -> Next {
    Self.shared.withLock { ($0.keys, $0.isEnding) = ([], false) }
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

  /// Lets Tab complete words, which blanks alone separate.
  package func complete(_ completer: @escaping Completer) {
    func address(_ name: String) -> UInt { UInt(bitPattern: unsafe dlsym(library, name)) }
    let line = address("rl_line_buffer"), point = address("rl_point")
    let appended = address("rl_completion_append_character")
    guard line != 0, point != 0, appended != 0,
      let entry = unsafe dlsym(library, "rl_completion_entry_function"),
      let breaks = unsafe dlsym(library, "rl_basic_word_break_characters")
    else { return }
    Self.shared.withLock { shared in
      shared.completer = completer
      (shared.line, shared.point, shared.appended) = (line, point, appended)
    }
    let generator: Generator = { _, state in
      unsafe LineEditor.candidate(isFirst: state == 0).flatMap { text in
        unsafe (text.map { CChar(bitPattern: $0) } + [0]).withUnsafeBufferPointer {
          unsafe $0.baseAddress.flatMap { unsafe strdup($0) }
        }
      }
    }
    unsafe entry.storeBytes(of: unsafeBitCast(generator, to: UInt.self), as: UInt.self)
    // The library keeps the address; a string literal is there as long as the process is.
    let blank: StaticString = " "
    unsafe breaks.storeBytes(of: UInt(bitPattern: blank.utf8Start), as: UInt.self)
  }

  /// One candidate after another, and at last none.
  private static func candidate(isFirst: Bool) -> [UInt8]? {
    shared.withLock { shared in
      if isFirst { shared.found = candidates(shared).reversed() }
      return shared.found.popLast()
    }
  }

  private static func candidates(_ shared: Shared) -> [[UInt8]] {
    guard let completer = shared.completer, let line = unsafe UnsafeRawPointer(bitPattern: shared.line),
      let point = unsafe UnsafeRawPointer(bitPattern: shared.point),
      let start = unsafe line.load(as: UnsafePointer<CChar>?.self)
    else { return [] }
    let length = min(max(0, Int(unsafe point.load(as: Int32.self))), unsafe strlen(start))
    let typed = unsafe UnsafeBufferPointer(start: start, count: length).map { UInt8(bitPattern: $0) }
    let found = completer(typed, (typed.lastIndex(of: 0x20) ?? -1) + 1)
    // A folder is not the end of a name.
    let isOpen = found.count == 1 && found[0].last == UInt8(ascii: "/")
    unsafe UnsafeMutableRawPointer(bitPattern: shared.appended)?.storeBytes(of: isOpen ? 0 : 0x20, as: Int32.self)
    return found
  }

  // MARK: - Ctrl-C

  /// Gives libedit its keys. By itself it would miss a Ctrl-C that comes while it is at work on a key, and it sends each
  /// Ctrl-C on to all processes of the group.
  private static func readKeys(_ library: UnsafeMutableRawPointer) {
    guard let getter = unsafe dlsym(library, "rl_getc_function"),
      let catching = unsafe dlsym(library, "rl_catch_signals")
    else { return }
    unsafe catching.storeBytes(of: 0, as: Int32.self)
    let resize = unsafe dlsym(library, "rl_resize_terminal")
    let copy = unsafe dlsym(library, "rl_copy_text"), inhibited = unsafe dlsym(library, "rl_inhibit_completion")
    shared.withLock { shared in
      shared.resize = UInt(bitPattern: resize)
      (shared.copy, shared.inhibited) = (UInt(bitPattern: copy), UInt(bitPattern: inhibited))
      shared.width = Terminal.width(1)
    }
    let body: ReadKey = { _ in LineEditor.key() }
    unsafe getter.storeBytes(of: unsafeBitCast(body, to: UInt.self), as: UInt.self)
  }

  /// Ctrl-E.
  private static let endOfLine: Int32 = 5

  /// The next character; -1 at the end, or when interrupted. A byte that is part of none becomes U+FFFD.
  private static func key() -> Int32 {
    var bytes: [UInt8] = []
    while true {
      if Interruption.isRequested {
        // The cursor goes to the end first, as a new prompt would else be drawn over a row of this line.
        let isAtEnd = shared.withLock { shared in
          defer { shared.isEnding.toggle() }
          return shared.isEnding
        }
        return isAtEnd ? -1 : endOfLine
      }
      if !Terminal.hasInput(0, within: 30) {
        followWidth()
        continue
      }
      var byte: UInt8 = 0
      let count = unsafe systemRead(0, &byte, 1)
      if count < 0 && (errno == EINTR || errno == EAGAIN) { continue }
      if count <= 0 { return -1 }
      if byte == tab { prepareTab() }
      shared.withLock { if byte != tab && $0.keys.count < 2 { $0.keys.append(byte) } }
      bytes.append(byte)
      let length = UTF8Sequence.length(bytes, at: 0)
      if length > 0 { return Int32(bitPattern: UTF8Sequence.scalar(bytes, at: 0, length: length)) }
      if bytes[0] < 0xC2 || bytes.count == 4 || !bytes.dropFirst().allSatisfy({ $0 & 0xC0 == 0x80 }) { return 0xFFFD }
    }
  }

  /// Lets libedit draw the line anew when the window became wider or narrower.
  private static func followWidth() {
    let resize = shared.withLock { shared in
      let width = Terminal.width(1)
      defer { shared.width = width }
      return width == shared.width ? 0 : shared.resize
    }
    if let resize = unsafe UnsafeRawPointer(bitPattern: resize) { unsafe unsafeBitCast(resize, to: Resize.self)() }
  }

  // MARK: - Tab

  private static let tab: UInt8 = 9
  private static let slash = CChar(UInt8(ascii: "/"))

  /// Tab completes only what may be a command. In a prompt it is a letter, and so it is in a paste, behind which more is
  /// waiting. libedit asks its variable at each Tab.
  private static func prepareTab() {
    let (copy, inhibited) = shared.withLock { ($0.copy, $0.inhibited) }
    guard let copy = unsafe UnsafeRawPointer(bitPattern: copy),
      let inhibited = unsafe UnsafeMutableRawPointer(bitPattern: inhibited)
    else { return }
    // It gives one letter less than it is asked for, and of a line of one letter nothing: there the keys must tell.
    let start = unsafe unsafeBitCast(copy, to: CopyText.self)(0, 2)
    defer { unsafe free(start) }
    let first = unsafe start?.pointee ?? 0
    let isCommand = first == slash || (first == 0 && shared.withLock { $0.keys } == [UInt8(ascii: "/")])
    unsafe inhibited.storeBytes(of: isCommand && !Terminal.hasInput(0, within: 0) ? 0 : 1, as: Int32.self)
  }

  /// GNU readline looks at its variable only once; what Tab does is a function there.
  private static func bindTab(_ library: UnsafeMutableRawPointer) {
    func address(_ name: String) -> UInt { UInt(bitPattern: unsafe dlsym(library, name)) }
    let line = address("rl_line_buffer"), insert = address("rl_insert"), finish = address("rl_complete")
    guard line != 0, insert != 0, finish != 0, let bind = unsafe dlsym(library, "rl_bind_key") else { return }
    shared.withLock { ($0.line, $0.insert, $0.finish) = (line, insert, finish) }
    let body: Command = { count, key in LineEditor.pressTab(count, key) }
    unsafe _ = unsafeBitCast(bind, to: BindKey.self)(Int32(tab), body)
  }

  private static func pressTab(_ count: Int32, _ key: Int32) -> Int32 {
    let (line, insert, finish) = shared.withLock { ($0.line, $0.insert, $0.finish) }
    let text = unsafe UnsafeRawPointer(bitPattern: line)?.load(as: UnsafePointer<CChar>?.self)
    let isCommand = unsafe text?.pointee == slash
    guard let next = unsafe UnsafeRawPointer(bitPattern: isCommand ? finish : insert) else { return 0 }
    return unsafe unsafeBitCast(next, to: Command.self)(count, key)
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
    // Ten times a second is a delay that one feels.
    guard let setTimeout = unsafe dlsym(library, "rl_set_keyboard_input_timeout") else { return }
    unsafe _ = unsafeBitCast(setTimeout, to: SetTimeout.self)(20_000)
  }
}

/// `read` is the name of a method there.
private func systemRead(_ descriptor: Int32, _ base: UnsafeMutableRawPointer?, _ count: Int) -> Int {
  unsafe read(descriptor, base, count)
}
