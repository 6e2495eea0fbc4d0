import MiniGPTTensors
import Testing

@Suite struct RandomPermutationTests {
  private let stream = RandomStream(seed: 1337, .blocks)

  /// Around every size of the network, each place occurs once.
  @Test func isAPermutation() {
    let powers = (1...16).map { 1 << $0 }
    for count in Array(1...70) + powers.flatMap({ [$0 - 1, $0, $0 + 1] }) {
      var seen = [Bool](repeating: false, count: count)
      for place in 0..<count { seen[stream.permuted(place, of: count, step: 3)] = true }
      #expect(!seen.contains(false), "\(count)")
    }
  }

  /// Every order of a few within five deviations of its mean: that fails for fewer than one seed in 20,000.
  @Test(arguments: [(2, 2), (3, 6), (4, 24), (5, 120)]) func ordersOfAFewAreEquallyLikely(count: Int, orders: Int) {
    let n = 60_000, p = 1 / Double(orders), deviation = (Double(n) * p * (1 - p)).squareRoot()
    var found: [[Int]: Int] = [:]
    for step in 0..<n { found[(0..<count).map { stream.permuted($0, of: count, step: step) }, default: 0] += 1 }
    #expect(found.count == orders)
    for (order, times) in found { #expect(abs(Double(times) - Double(n) * p) <= 5 * deviation, "\(order)") }
  }

  /// Of many, a place goes anywhere, whatever its neighbour does and the next permutation: a third away, as by chance.
  @Test(arguments: [2000, 1 << 20, 1 << 40]) func manyAreMixed(count: Int) {
    let n = 2000, places = (0..<n).map { $0 * (count / n) }
    func taken(_ shift: Int, step: Int) -> [Int] {
      places.map { stream.permuted(($0 + shift) % count, of: count, step: step) }
    }
    for other in [places, taken(1, step: 1), taken(0, step: 2)] {
      let distances = zip(taken(0, step: 1), other).map { Double(abs($0 - $1)) / Double(count) }
      #expect(abs(distances.reduce(0, +) / Double(n) - 1.0 / 3) < 0.02)
    }
  }

  /// Trained bits depend on them.
  @Test func placesStayWhereTheyAre() {
    func places(_ count: Int, _ step: Int) -> [Int] {
      (0..<min(count, 8)).map { stream.permuted($0, of: count, step: step) }
    }
    #expect(places(1, 5) == [0])
    #expect(places(8, 0) == [6, 4, 3, 0, 1, 5, 2, 7])
    #expect(places(8, 1) == [6, 0, 3, 4, 5, 7, 1, 2])
    #expect(
      places(1_000_000_007, 2) == [
        130_547_955, 323_671_544, 828_037_156, 131_649_573, 702_170_769, 234_562_959, 528_306_304, 208_882_227,
      ])
  }

  @Test func aPlaceThatIsNotThereIsOurMistake() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = RandomStream(seed: 3, .blocks).permuted(4, of: 4, step: 0)
    }
    #expect(errorText(result).contains("place 4 of 4"))
  }
}
