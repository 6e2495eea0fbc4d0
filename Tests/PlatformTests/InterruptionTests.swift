import Foundation
import MiniGPTPlatform
import Testing

@Suite struct InterruptionTests {
  @Test func firstSetsTheFlag() async {
    await #expect(processExitsWith: .exitCode(143)) {
      Interruption.watch()
      if Interruption.isRequested { fatalError("set from the start") }
      kill(getpid(), SIGTERM)
      while !Interruption.isRequested { usleep(1000) }
      exit(Interruption.exitStatus)
    }
  }

  @Test func secondEndsAtOnce() async {
    await #expect(processExitsWith: .exitCode(130)) {
      Interruption.watch()
      kill(getpid(), SIGTERM)
      while !Interruption.isRequested { usleep(1000) }
      kill(getpid(), SIGINT)
      while true { usleep(1000) }
    }
  }

  @Test func clearedOneIsForgotten() async {
    await #expect(processExitsWith: .exitCode(7)) {
      Interruption.watch()
      for _ in 0..<3 {
        kill(getpid(), SIGINT)
        while !Interruption.isRequested { usleep(1000) }
        if Interruption.signal != SIGINT { fatalError("signal \(Interruption.signal)") }
        Interruption.clear()
      }
      exit(7)
    }
  }
}
