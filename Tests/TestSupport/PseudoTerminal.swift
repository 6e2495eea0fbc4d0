#if os(Linux)
  internal import Foundation
  internal import Testing

  /// A terminal of our own: what is written to `keys` was typed at it, and what is read from there is its screen.
  package final class PseudoTerminal: Sendable {
    package let keys: Int32
    package let terminal: Int32

    package init() throws {
      keys = open("/dev/ptmx", O_RDWR | O_NOCTTY)
      try #require(keys >= 0)
      var (number, locked): (Int32, Int32) = (-1, 0)
      // TIOCSPTLCK and TIOCGPTN, which Swift does not import.
      #expect(ioctl(keys, 0x4004_5431, &locked) == 0)
      #expect(ioctl(keys, 0x8004_5430, &number) == 0)
      terminal = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY)
      try #require(terminal >= 0)
    }

    deinit {
      close(keys)
      close(terminal)
    }

    /// Whether the system puts lines together and shows what is typed, as a shell wants to find it.
    package var joinsLines: Bool {
      var mode = termios()
      let both = tcflag_t(ICANON | ECHO)
      return tcgetattr(terminal, &mode) == 0 && mode.c_lflag & both == both
    }

    package func resize(columns: Int) {
      var size = winsize(ws_row: 30, ws_col: UInt16(columns), ws_xpixel: 0, ws_ypixel: 0)
      #expect(ioctl(terminal, UInt(TIOCSWINSZ), &size) == 0)
    }

    /// Types, reading the screen meanwhile as a terminal does, until it ends with `end` or a minute is over.
    package func type(_ text: [UInt8], until end: String) -> String {
      var screen: [UInt8] = [], block = [UInt8](repeating: 0, count: 65_536), typed = 0
      let end = Array(end.utf8)
      // libedit shows its prompt a moment before it takes the terminal over.
      for _ in 0..<2000 where !text.isEmpty && joinsLines { usleep(1000) }
      let latest = ContinuousClock.now + .seconds(60)
      while typed < text.count || screen.suffix(end.count) != end[...] {
        if ContinuousClock.now > latest { break }
        var request = pollfd(fd: keys, events: Int16(POLLIN | (typed < text.count ? POLLOUT : 0)), revents: 0)
        poll(&request, 1, 1)
        if request.revents & Int16(POLLIN) != 0 {
          let count = read(keys, &block, block.count)
          screen += block.prefix(max(0, count))
        }
        if request.revents & Int16(POLLOUT) != 0 {
          typed += max(0, Array(text[typed...].prefix(256)).withUnsafeBytes { write(keys, $0.baseAddress, $0.count) })
        }
      }
      return String(decoding: screen, as: UTF8.self)
    }
  }
#endif
