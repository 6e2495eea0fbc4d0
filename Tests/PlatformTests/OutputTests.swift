import Foundation
import MiniGPTPlatform
import Testing

@Suite struct OutputTests {
  /// A pipe whose two ends the test closes as it likes.
  func makePipe() -> (reading: Int32, writing: Int32) {
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    return (ends[0], ends[1])
  }

  @Test func bytesArriveInOrder() throws {
    let ends = makePipe()
    let output = Output(ends.writing)
    try output.write("a")
    try output.write([0xFF, 0x00])
    try output.writeLine("z")
    close(ends.writing)
    var lines = InputLines(ends.reading)
    #expect(try lines.read() == .line([97, 0xFF, 0, 122]))
    #expect(try lines.read() == .end)
    close(ends.reading)
  }

  @Test func moreThanThePipeHolds() async throws {
    let ends = makePipe()
    _ = fcntl(ends.writing, F_SETFL, O_NONBLOCK)
    let bytes = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    let reader = Task.detached {
      var lines = InputLines(ends.reading)
      return try lines.readAll() ?? []
    }
    let output = Output(ends.writing)
    try output.write(bytes)
    try output.flush()
    close(ends.writing)
    #expect(try await reader.value == bytes)
    close(ends.reading)
  }

  @Test func readerIsGone() throws {
    StandardDescriptors.surviveRefusedWrites()
    let ends = makePipe()
    close(ends.reading)
    let output = Output(ends.writing)
    try output.write("kept back")
    #expect(throws: OutputError.readerIsGone) { try output.flush() }
    #expect(throws: OutputError.readerIsGone) { try output.write("more") }
    close(ends.writing)
  }

  @Test func fullDisk() throws {
    let full = open("/dev/full", O_WRONLY)
    try #require(full >= 0)
    let output = Output(full)
    #expect(throws: OutputError.refused(full, .noSpace)) { try output.writeLine("x") }
    #expect(
      "\(OutputError.refused(1, .noSpace))" == "standard output: cannot be written: No space left on device")
    close(full)
  }

  @Test func closedDescriptor() {
    let output = Output(9999)
    #expect(throws: OutputError.refused(9999, SystemError(code: EBADF))) { try output.writeLine("x") }
  }
}

extension Output {
  /// Text and a newline, out at once.
  func writeLine(_ text: String) throws(OutputError) {
    try write(text + "\n")
    try flush()
  }
}
