import Foundation
import MiniGPTPlatform
import Testing

@Suite struct InputLinesTests {
  init() { StandardDescriptors.surviveRefusedWrites() }

  /// The lines of `bytes`, read through a pipe.
  func lines(_ bytes: [UInt8], limit: Int = 1 << 30) throws -> [[UInt8]] {
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    let writing = ends[1]
    let writer = Thread {
      let output = Output(writing)
      try? output.write(bytes)
      try? output.flush()
      close(writing)
    }
    writer.start()
    defer { close(ends[0]) }
    var input = InputLines(ends[0], limit: limit)
    var found: [[UInt8]] = []
    while case .line(let line) = try input.read() { found.append(line) }
    return found
  }

  @Test func splits() throws {
    #expect(try lines(Array("\u{FEFF}a\n\nbc\r\nla\rst".utf8)) == ["a", "", "bc", "la\rst"].map { Array($0.utf8) })
    #expect(try lines([]) == [])
    #expect(try lines([10]) == [[]])
    #expect(try lines([0xFF, 0, 10]) == [[0xFF, 0]])
  }

  @Test func longLines() throws {
    let long = [UInt8](repeating: 65, count: 300_000)
    #expect(try lines(long + [10] + long) == [long, long])
    #expect(throws: SystemError.fileTooLarge) { try lines(long, limit: 100_000) }
  }

  @Test func closed() {
    #expect(throws: SystemError(code: EBADF)) {
      var input = InputLines(9999)
      _ = try input.read()
    }
  }

  @Test func aSignalEndsTheWait() async {
    await #expect(processExitsWith: .exitCode(130)) {
      Interruption.watch()
      var ends: [Int32] = [0, 0]
      _ = pipe(&ends)
      Thread {
        usleep(50_000)
        kill(getpid(), SIGINT)
      }.start()
      var input = InputLines(ends[0])
      if try input.read() != .interrupted { fatalError("not interrupted") }
      exit(Interruption.exitStatus)
    }
  }
}
