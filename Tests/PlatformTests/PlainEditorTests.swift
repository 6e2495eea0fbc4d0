#if os(Linux)
  import Foundation
  import MiniGPTPlatform
  import MiniGPTTestSupport
  import Synchronization
  import Testing

  @Suite struct PlainEditorTests {
    private final class Found: Sendable {
      let lines = Mutex<[InputLines.Next]>([])
    }

    /// The lines that typing gives, and what stands on the screen when all have come.
    private func lines(_ typed: [UInt8], count: Int = 1) throws -> (lines: [InputLines.Next], screen: String) {
      let pseudo = try PseudoTerminal(), found = Found()
      let reader = Thread {
        let editor = PlainEditor(input: pseudo.terminal, output: Output(pseudo.terminal))
        for _ in 0..<count {
          guard let next = try? editor.read(prompt: "> ") else { continue }
          found.lines.withLock { $0.append(next) }
        }
        editor.release()
        let last = Output(pseudo.terminal)
        try? last.write("done")
        try? last.flush()
      }
      #expect(pseudo.joinsLines)
      reader.start()
      // What is typed before the prompt is shown twice, as everywhere.
      _ = pseudo.type([], until: "> ")
      let screen = pseudo.type(typed, until: "done")
      #expect(pseudo.joinsLines)
      return (found.lines.withLock { $0 }, screen)
    }

    @Test func longLinesAndTabsArriveWhole() throws {
      for count in [4094, 4095, 4096, 100_000] {
        let line = (0..<count).map { [9, 97, 98, 0xC3, 0xA9][$0 % 5] as UInt8 }
        #expect(try lines(line + [13]).lines == [.line(line)], "\(count)")
      }
    }

    @Test func linesOfAPasteComeOneAfterAnother() throws {
      let long = [UInt8](repeating: 97, count: 5000)
      let typed = try lines(long + [10, 10] + long + [10, 4], count: 4)
      #expect(typed.lines == [.line(long), .line([]), .line(long), .end])
    }

    @Test func keysThatErase() throws {
      func line(_ keys: String) throws -> String {
        guard case .line(let line) = try lines(Array(keys.utf8) + [13]).lines.first else { return "none" }
        return String(decoding: line, as: UTF8.self)
      }
      #expect(try line("ab\u{7F}c\u{8}\u{8}d") == "d")
      #expect(try line("\u{7F}\u{7F}a漢\u{7F}é") == "aé")
      #expect(try line("all of it\u{15}x") == "x")
      #expect(try line("one two  \u{17}2\u{4}") == "one 2")
      #expect(try lines(Array("a\tb\u{1B}\u{7F}c\r".utf8)).screen == "a b?\u{8} \u{8}c\r\ndone")
      #expect(try lines([4]).lines == [.end])
    }
  }
#endif
