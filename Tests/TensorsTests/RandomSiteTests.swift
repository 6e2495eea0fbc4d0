import MiniGPTTensors
import Testing

@Suite struct RandomSiteTests {
  @Test func purposesShareNoNumber() {
    let all = RandomSite.allCases.map(\.numbers).sorted { $0.lowerBound < $1.lowerBound }
    for (one, next) in zip(all, all.dropFirst()) { #expect(one.upperBound < next.lowerBound, "\(one) and \(next)") }
    let first = RandomSite.allCases.map { RandomStream(seed: 1, $0).words(0) }
    #expect(Set(first).count == RandomSite.allCases.count)
  }

  /// Those that trained bits depend on are where the first version had them.
  @Test func trainingsKeepTheirNumbers() {
    func words(_ number: UInt32) -> SIMD4<UInt32> { Philox.words(counter: (5, 3, number, 2), key: (1337, 0)) }
    for (site, place, number): (RandomSite, Int, UInt32) in [
      (.dropout, 0, 0), (.dropout, 17, 17), (.windows, 0, 1 << 30), (.pairs, 0, 1 << 30 + 1),
      (.batches, 0, 1 << 30 + 2), (.blocks, 0, 1 << 30 + 5), (.phases, 0, 1 << 30 + 6), (.initialization, 0, 1 << 31),
      (.initialization, 9, 1 << 31 + 9),
    ] {
      #expect(RandomStream(seed: 1337, site, place: place).words(5, sample: 3, step: 2) == words(number), "\(site)")
    }
  }

  @Test func aPlaceThatIsNotThereIsOurMistake() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = RandomStream(seed: 3, .sampler, place: 1)
    }
    #expect(errorText(result).contains("place 1 of sampler"))
  }
}
