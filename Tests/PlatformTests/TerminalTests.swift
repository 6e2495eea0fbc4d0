#if os(Linux)
  import Foundation
  import MiniGPTPlatform
  import Testing

  @Suite struct TerminalTests {
    /// A terminal of our own, which knows how wide it is.
    @Test func width() throws {
      let master = open("/dev/ptmx", O_RDWR | O_NOCTTY)
      try #require(master >= 0)
      defer { close(master) }
      var (number, locked): (Int32, Int32) = (-1, 0)
      // TIOCSPTLCK and TIOCGPTN, which Swift does not import.
      #expect(ioctl(master, 0x4004_5431, &locked) == 0)
      #expect(ioctl(master, 0x8004_5430, &number) == 0)
      let terminal = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY)
      try #require(terminal >= 0)
      defer { close(terminal) }
      #expect(Terminal.isTerminal(terminal))
      var size = winsize(ws_row: 10, ws_col: 123, ws_xpixel: 0, ws_ypixel: 0)
      #expect(ioctl(terminal, UInt(TIOCSWINSZ), &size) == 0)
      #expect(Terminal.width(terminal) == 123)
    }
  }
#endif
