import Foundation
import MiniGPTPlatform
import Testing

@Suite struct MapFaultTests {
  @Test func namesTheFile() async {
    let result = await #expect(processExitsWith: .exitCode(1), observing: [\.standardErrorContent]) {
      MapFault.watch()
      let path = FileManager.default.temporaryDirectory.appending(path: "minigpt-fault-\(UUID().uuidString)").path
      let file = open(path, O_RDWR | O_CREAT, 0o600)
      unlink(path)
      ftruncate(file, 100_000)
      let base = mmap(nil, 100_000, PROT_READ, MAP_SHARED, file, 0)
      let other = MapFault.add(UnsafeRawPointer(bitPattern: 4096), 4096, "another")
      _ = MapFault.add(UnsafeRawPointer(base), 100_000, "corpus.txt")
      MapFault.remove(other)
      ftruncate(file, 0)
      exit(Int32(base?.load(fromByteOffset: 50_000, as: UInt8.self) ?? 9) + 2)
    }
    let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(text == "minigpt: corpus.txt: changed while it was read\n")
  }

  @Test func moreMapsThanTheTableHolds() async {
    let result = await #expect(processExitsWith: .exitCode(1), observing: [\.standardErrorContent]) {
      MapFault.watch()
      for _ in 0..<300 { _ = MapFault.add(UnsafeRawPointer(bitPattern: 4096), 4096, "another") }
      kill(getpid(), SIGBUS)
      sleep(1)
    }
    let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(text == "minigpt: a file changed while it was read\n")
  }
}
