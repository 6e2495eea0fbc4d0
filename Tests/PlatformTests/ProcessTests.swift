import Foundation
import MiniGPTPlatform
import Testing

/// What the process knows of itself and of the machine.
@Suite struct ProcessTests {
  @Test func time() {
    let (before, start) = (MonotonicTime.now, MonotonicTime.sinceProcessStart)
    usleep(20_000)
    #expect(MonotonicTime.now - before >= 0.02)
    #expect(start > 0 && start < 3600)
    #expect(MonotonicTime.sinceProcessStart - start >= 0.02)
  }

  @Test func memory() throws {
    #expect(ProcessMemory.available > 64 << 20)
    let peak = try #require(ProcessMemory.peak)
    #expect(peak > 1 << 20 && peak < ProcessMemory.available)
  }

  @Test func environment() {
    setenv("MINIGPT_TEST", "a\u{FF}", 1)
    #expect(Environment.string("MINIGPT_TEST") == "a\u{FF}")
    unsetenv("MINIGPT_TEST")
    #expect(Environment.bytes("MINIGPT_TEST") == nil)
  }

  @Test func arguments() {
    #expect(Arguments.raw.map { String(decoding: $0, as: UTF8.self) } == CommandLine.arguments)
  }

  @Test func seeds() {
    let seeds = Set((0..<100).map { _ in RandomSeed.draw() })
    #expect(seeds.count > 90)
    #expect(seeds.allSatisfy { $0 < 1 << 31 })
  }

  @Test func noTerminalHere() {
    let null = open("/dev/null", O_RDWR)
    defer { close(null) }
    #expect(!Terminal.isTerminal(null))
    #expect(!Terminal.canMove(null))
    #expect(Terminal.width(null) > 0)
  }

  @Test func systemErrors() {
    #expect("\(SystemError(code: ENOENT))" == "No such file or directory")
    errno = EACCES
    #expect(SystemError.last == SystemError(code: EACCES))
  }
}
