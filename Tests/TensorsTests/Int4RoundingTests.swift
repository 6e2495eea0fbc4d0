import MiniGPTTensors
import Testing

@Suite struct Int4RoundingTests {
  private func values(_ result: (scale: UInt16, levels: Int4Rounding.Levels)) -> [Float] {
    (0..<32).map { (Float(result.levels[$0]) - 8) * ShortFloat.float(f16: result.scale) }
  }

  private func group(_ numbers: [Float]) -> SIMD32<Float> {
    var group = SIMD32<Float>()
    for (index, number) in numbers.enumerated() { group[index] = number }
    return group
  }

  private func error(_ a: [Float], _ b: [Float]) -> Float { zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } }

  /// What is made of levels and a scale stays what it is, whichever level the largest number has.
  @Test(arguments: [Float(0.25), -0.25, 1.5]) func whatIsFourBitsStaysThat(scale: Float) {
    for most in [-8, 7] as [Float] {
      let numbers = (0..<32).map { $0 == 5 ? most * scale : Float($0 % 15 - 7) * scale }
      #expect(values(Int4Rounding.levels(group(numbers))) == numbers, "\(most)")
    }
  }

  /// Not worse than by the largest number alone, and better over many groups.
  @Test func searchedScalesAreBetter() {
    var (searched, simple): (Float, Float) = (0, 0)
    for seed in 0..<200 {
      let numbers = TensorsTests.numbers(32, seed), extreme = numbers.max { abs($0) < abs($1) } ?? 0
      let scale = ShortFloat.float(f16: ShortFloat.f16(extreme / -8))
      let plain = numbers.map { max(-8, min(7, ($0 / scale).rounded())) * scale }
      let own = error(values(Int4Rounding.levels(group(numbers))), numbers)
      #expect(own < error(plain, numbers) * 1.01)
      searched += own
      simple += error(plain, numbers)
    }
    #expect(searched < 0.95 * simple, "\(searched) \(simple)")
  }

  @Test func nothingAndWhatIsNoNumber() {
    for numbers in [[Float](repeating: 0, count: 32), [.nan] + [Float](repeating: 1, count: 31), [.infinity]] {
      let (scale, levels) = Int4Rounding.levels(group(numbers))
      #expect(scale == 0 && (0..<32).allSatisfy { levels[$0] == 8 })
    }
    // Scales stay half floats.
    #expect(values(Int4Rounding.levels(group([1e30]))).allSatisfy { $0.isFinite })
    #expect(values(Int4Rounding.levels(group([1e-30]))).allSatisfy { $0 == 0 })
  }
}
