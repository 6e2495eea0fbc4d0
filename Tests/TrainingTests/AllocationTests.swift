import MiniGPTAllocationCounter
import MiniGPTCheckpoints
import MiniGPTPlatform
import MiniGPTTestSupport
import Testing
import MiniGPTTraining

@Suite struct AllocationTests {
  /// Dropout on, two batches an update; AdamW and Muon. In a process of its own, where nobody else asks for memory.
  @Test(.enabled(if: allocations_counted() == 1, "a sanitizer owns malloc"))
  func aStepTakesNoMemoryFromTheThirdOn() async {
    await #expect(processExitsWith: .success) {
      for (threads, order) in [(1, DataOrder.windows), (2, .windows), (2, .blocks)] {
        let folder = try Folder(), corpus = try folder.write("corpus", verses(60))
        let trainer = try tinySetup(corpus, threads: threads) {
          ($0.order, $0.optimizer) = (order, order == .blocks ? .muon : .adamw)
        }.prepare().trainer
        for _ in 0..<2 { _ = try trainer.step() }
        let before = allocations_all()
        for _ in 0..<10 { _ = try trainer.step() }
        let taken = allocations_all() - before
        check(taken == 0, "\(taken) allocations in ten steps on \(threads) threads")
      }
    }
  }
}
