import MiniGPTAllocationCounter
import MiniGPTDatasets
import MiniGPTPlatform
import Testing

@Suite struct BlockOrderTests {
  /// The starts of the blocks of the first epochs, as many as asked for; how long they are follows from the definition.
  private func epochs(_ number: Int, tokens: Int, context: Int, seed: UInt64 = 7) -> [[Int]] {
    let order = BlockOrder(count: tokens, context: context, seed: seed), places = tokens - context
    return (0..<number).map { epoch in
      let samples = epoch * places / context..<(epoch + 1) * places / context
      return samples.map { order.start(of: UInt($0)) }
    }
  }

  /// Numbers of blocks around powers of two, with every rest behind them.
  @Test(arguments: [1, 2, 3, 4, 7, 8, 15, 16, 17, 63, 64]) func anEpochVisitsEachBlockOnce(blocks: Int) {
    let context = 5
    for rest in 0..<context {
      let tokens = blocks * context + rest + 1
      for epoch in epochs(40, tokens: tokens, context: context) where !epoch.isEmpty {
        let starts = epoch.sorted(), phase = starts[0]
        #expect(phase < context)
        #expect(starts == starts.indices.map { phase + $0 * context })
        // What is left behind the last block is no block.
        let left = tokens - 1 - (phase + epoch.count * context)
        #expect(0..<context ~= left, "\(blocks) blocks and \(rest): \(left)")
      }
    }
  }

  /// All phases in a context's number of epochs, and so all windows, once.
  @Test(arguments: [(6, 5), (7, 5), (10, 5), (11, 5), (64, 5), (65, 16), (300, 16), (301, 1), (40, 39)])
  func aCycleVisitsEachWindowOnce(tokens: Int, context: Int) {
    let order = BlockOrder(count: tokens, context: context, seed: 3), places = tokens - context
    for cycle in 0..<3 {
      let starts = (0..<places).map { order.start(of: UInt(cycle * places + $0)) }
      #expect(starts.sorted() == Array(0..<places), "\(cycle)")
    }
    let phases = epochs(context, tokens: tokens, context: context).compactMap { $0.min() }
    #expect(phases.sorted() == Array(0..<min(context, places)))
  }

  @Test func epochsHaveOrdersOfTheirOwn() {
    let all = epochs(64, tokens: 1000, context: 10)
    let orders = all.map { epoch in epoch.map { $0 / 10 } }
    #expect(Set(orders).count == 64)
    #expect(!orders.contains { $0 == $0.sorted() })
    // Neighbours have phases that do not follow from each other.
    let phases = all.compactMap { $0.min() }
    #expect(Set(zip(phases, phases.dropFirst()).map { ($1 - $0 + 10) % 10 }).count > 5)
  }

  @Test func startsFollowFromSeedAndSample() {
    func starts(_ seed: UInt64) -> [Int] {
      let order = BlockOrder(count: 1000, context: 10, seed: seed)
      return (0..<500).map { order.start(of: UInt($0)) }
    }
    #expect(starts(1) == starts(1) && starts(1) != starts(2))
    let order = BlockOrder(count: 1000, context: 10, seed: 1)
    #expect((0..<500).reversed().map { order.start(of: UInt($0)) } == starts(1).reversed())
  }

  /// However long a training is, and however short the text.
  @Test func farSamplesAreThere() {
    for (tokens, context) in [(6, 5), (1 << 20, 1 << 19), (1 << 40, 1 << 12)] {
      let order = BlockOrder(count: tokens, context: context, seed: 1)
      for sample in [UInt(Int.max), .max - 1, .max] { #expect(0..<tokens - context ~= order.start(of: sample)) }
    }
  }

  /// In a process of its own, where nobody else asks for memory.
  @Test(.enabled(if: allocations_counted() == 1, "a sanitizer owns malloc"))
  func aMillionBlocksTakeNoMemory() async {
    await #expect(processExitsWith: .success) {
      let before = allocations_all()
      let order = BlockOrder(count: 256_000_001, context: 256, seed: 1)
      var sum = 0
      for sample in 0..<100_000 { sum &+= order.start(of: UInt(sample * 31)) }
      let taken = allocations_all() - before
      check(taken == 0 && sum > 0, "\(taken) allocations")
    }
  }
}
