import Foundation
import MiniGPTPlatform
import Testing

@Suite struct CurrentThreadTests {
  @Test func processorTimeGrowsWithWork() {
    let start = MonotonicTime.now, before = CurrentThread.processorTime
    while CurrentThread.processorTime - before < 0.01, MonotonicTime.now - start < 10 {}
    #expect(CurrentThread.processorTime - before >= 0.01)
    #expect(MonotonicTime.now - start >= 0.0099)
  }

  @Test func sleepEndsWhenItIsTime() {
    let wake = MonotonicTime.now + 0.02
    CurrentThread.sleep(until: wake)
    #expect(MonotonicTime.now >= wake)
    let now = MonotonicTime.now
    CurrentThread.sleep(until: now - 1)
    #expect(MonotonicTime.now - now < 1)
  }

  #if os(Linux)
    @Test func tickIsOneOfTheUsual() throws {
      let tick = try #require(MonotonicTime.tick)
      #expect([100, 250, 300, 1000].contains((1 / tick).rounded()))
    }

    /// In a thread of its own, whose cores nobody else needs.
    @Test func threadKeepsOffACore() async throws {
      let all = try #require(CoreSet.ofThread)
      let (seen, rest, back) = await withCheckedContinuation { done in
        Thread.detachNewThread {
          let core = CurrentThread.core ?? 0
          let rest = all.without(core)
          rest?.restrictThread()
          let seen = rest == nil ? nil : CurrentThread.core
          let restricted = CoreSet.ofThread
          all.restrictThread()
          let isOff = rest == nil || (seen != core && restricted == rest)
          done.resume(returning: (isOff, rest != nil, CoreSet.ofThread == all))
        }
      }
      #expect(seen)
      #expect(back)
      // None is left where there is but one.
      #expect(rest == (0..<1024).contains { all.without($0) != all && all.without($0) != nil })
    }

    @Test func aSetIsNeverEmpty() {
      var set = CoreSet.ofThread, count = 0
      #expect(set != nil)
      for core in 0..<1024 {
        if let rest = set?.without(core) {
          if rest != set { count += 1 }
          set = rest
        }
      }
      #expect(set != nil)
      #expect(set?.without(5000) == nil)
      #expect(count < 1024)
    }
  #endif
}
