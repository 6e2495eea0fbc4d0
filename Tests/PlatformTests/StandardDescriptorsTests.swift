import Foundation
import MiniGPTPlatform
import Testing

@Suite struct StandardDescriptorsTests {
  /// Without `occupy` the file would become descriptor 1, and an answer would be written into it.
  @Test func closedOnesAreOccupied() async {
    await #expect(processExitsWith: .exitCode(0)) {
      close(0)
      close(1)
      StandardDescriptors.occupy()
      let file = open("/dev/null", O_RDWR)
      if file < 3 { fatalError("a file took number \(file)") }
      do throws(OutputError) {
        try Output.standard.writeLine("answer")
        exit(1)
      } catch {
        exit(error == .refused(1, SystemError(code: EBADF)) ? 0 : 2)
      }
    }
  }
}
