#if os(Linux)
  import MiniGPTPlatform
  import MiniGPTTestSupport
  import Testing

  @Suite struct TerminalTests {
    /// A terminal of our own, which knows how wide it is.
    @Test func width() throws {
      let pseudo = try PseudoTerminal()
      #expect(Terminal.isTerminal(pseudo.terminal))
      pseudo.resize(columns: 123)
      #expect(Terminal.width(pseudo.terminal) == 123)
    }
  }
#endif
