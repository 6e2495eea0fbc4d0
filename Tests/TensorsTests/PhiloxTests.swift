import Foundation
import MiniGPTTensors
import Testing

@Suite struct PhiloxTests {
  struct KnownAnswer: Sendable {
    let counter: (UInt32, UInt32, UInt32, UInt32), key: (UInt32, UInt32), words: SIMD4<UInt32>
  }

  /// The authors' known answers and more, from `Tests/Fixtures`.
  static func knownAnswers() throws -> [KnownAnswer] {
    let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let text = try String(contentsOf: fixtures.appending(path: "Fixtures/philox4x32-10.txt"), encoding: .utf8)
    return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.compactMap { line in
      let n = line.split(separator: " ").compactMap { UInt32($0, radix: 16) }
      guard n.count == 10 else { return nil }
      return KnownAnswer(
        counter: (n[0], n[1], n[2], n[3]), key: (n[4], n[5]), words: SIMD4(n[6], n[7], n[8], n[9]))
    }
  }

  @Test func knownAnswersOfTheAuthors() throws {
    #expect(
      Philox.words(counter: (0, 0, 0, 0), key: (0, 0)) == SIMD4(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
    let answers = try Self.knownAnswers()
    #expect(answers.count == 10)
    for answer in answers { #expect(Philox.words(counter: answer.counter, key: answer.key) == answer.words) }
  }

  @Test func aStreamCountsInItsOwnOrder() {
    let stream = RandomStream(seed: 0x0123_4567_89ab_cdef, .dropout, place: 7)
    #expect(
      stream.words(5, sample: 3, step: 2) == Philox.words(counter: (5, 3, 7, 2), key: (0x89ab_cdef, 0x0123_4567)))
    var seen = Set<SIMD4<UInt32>>()
    for index in 0..<20 {
      for sample in 0..<5 { for step in 0..<5 { seen.insert(stream.words(index, sample: sample, step: step)) } }
    }
    #expect(seen.count == 500)
    #expect(Set([0, 1 << 31, 1 << 32, 1 << 40].map { stream.words($0) }).count == 4)
  }

  /// Kolmogorov and Smirnov: √n · D stays below 2.6 but for one seed in 370,000.
  @Test(arguments: [UInt64(1), 1337, .max]) func uniformNumbersAreUniform(seed: UInt64) {
    let n = 50_000, stream = RandomStream(seed: seed, .initialization)
    let sorted = (0..<n).map { stream.uniform($0) }.sorted()
    #expect(sorted.allSatisfy { $0 >= 0 && $0 < 1 })
    let distance = sorted.enumerated().map { max($1 - Double($0) / Double(n), Double($0 + 1) / Double(n) - $1) }.max()
    #expect((distance ?? 1) * Double(n).squareRoot() < 2.6)
  }

  /// Every count within five deviations of its mean: that fails for fewer than one seed in 20,000.
  @Test(arguments: [1, 2, 3, 10, 65]) func integersAreUniform(bound: Int) {
    let n = 100_000, stream = RandomStream(seed: 42, .initialization)
    var counts = [Int](repeating: 0, count: bound)
    for index in 0..<n { counts[stream.integer(below: bound, index)] += 1 }
    let p = 1 / Double(bound), deviation = (Double(n) * p * (1 - p)).squareRoot()
    for count in counts { #expect(abs(Double(count) - Double(n) * p) <= 5 * deviation) }
  }

  @Test func largeBoundsAreReached() {
    let stream = RandomStream(seed: 3, .dropout, place: 1), bound = 1 << 62
    let drawn = (0..<1000).map { stream.integer(below: bound, $0) }
    #expect(drawn.allSatisfy { $0 >= 0 && $0 < bound } && Set(drawn).count == 1000)
    #expect(drawn.contains { $0 > bound / 100 * 99 } && drawn.contains { $0 < bound / 100 })
  }

  @Test func noBoundIsOurMistake() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = RandomStream(seed: 3, .dropout, place: 1).integer(below: 0, 0)
    }
    #expect(errorText(result).contains("a number below 0"))
  }
}
