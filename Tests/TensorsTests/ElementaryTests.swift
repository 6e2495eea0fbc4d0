import Foundation
import MiniGPTTensors
import Testing

@Suite struct ElementaryTests {
  /// Relative error of exp: below 2·10⁻⁷ over its whole range.
  @Test func exponentialEqualsTheDefinition() {
    var worst = 0.0
    for i in 0...200_000 {
      let x = -87.3 + Float(i) * (88.7 + 87.3) / 200_000
      worst = max(worst, abs(Double(exponential(x)) / exp(Double(x)) - 1))
    }
    #expect(worst < 2e-7)
    for x: Float in [1e-3, 1e-7, 1e-20, 1e-38, 0, -0.0] {
      #expect(abs(Double(exponential(x)) - exp(Double(x))) < 1e-7 && abs(exponential(-x) - (1 - x)) < 1e-6)
    }
  }

  @Test func exponentialAtItsEnds() {
    #expect(exponential(0) == 1)
    #expect(exponential(-87.31) == 0 && exponential(-1e30) == 0 && exponential(-.infinity) == 0)
    #expect(exponential(-87.3) > 0 && exponential(88.72).isFinite)
    #expect(exponential(89) == .infinity && exponential(1e30) == .infinity && exponential(.infinity) == .infinity)
    #expect(exponential(.nan).isNaN)
  }

  /// A sum over bit patterns that no machine may change by contracting.
  @Test func exponentialHasTheSameBitsEverywhere() {
    let sum = (0..<10_000).reduce(UInt64(0)) { $0 &* 31 &+ UInt64(exponential(Float($1 - 5000) / 64).bitPattern) }
    #expect(sum == 2_249_635_070_949_215_732)
  }

  @Test func logarithmIsRoundedOnce() {
    for x: Float in [1, 2, 1e-38, 3e38, 0.7, 12345] {
      #expect(logarithm(x) == Float(log(Double(x))))
    }
    #expect(logarithm(0) == -.infinity && logarithm(-1).isNaN && logarithm(.infinity) == .infinity)
  }

  @Test func realNamesAreTheSystemsFunctions() {
    #expect(Double.exp(1) == exp(1) && Double.log(3) == log(3) && Double.tanh(0.3) == tanh(0.3))
    #expect(Double.sin(2) == sin(2) && Double.cos(2) == cos(2) && Double.pow(3, 0.5) == pow(3, 0.5))
    #expect(Float.pow(2, 10) == 1024 && Float.exp(0) == 1)
  }
}
