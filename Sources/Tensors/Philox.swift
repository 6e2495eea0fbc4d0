internal import MiniGPTPlatform

/// Philox4x32-10, random numbers by counting: Salmon, Moraes, Dror, Shaw, "Parallel Random Numbers: As Easy as
/// 1, 2, 3", SC 2011, §3.3. The same counter and key give the same four words on every machine.
package enum Philox {
  package static func words(counter: (UInt32, UInt32, UInt32, UInt32), key: (UInt32, UInt32)) -> SIMD4<UInt32> {
    var (c0, c1, c2, c3) = counter
    var (k0, k1) = key
    for _ in 0..<10 {
      let p0 = 0xD251_1F53 * UInt64(c0), p1 = 0xCD9E_8D57 * UInt64(c2)
      c0 = UInt32(truncatingIfNeeded: p1 >> 32) ^ c1 ^ k0
      c1 = UInt32(truncatingIfNeeded: p1)
      c2 = UInt32(truncatingIfNeeded: p0 >> 32) ^ c3 ^ k1
      c3 = UInt32(truncatingIfNeeded: p0)
      k0 &+= 0x9E37_79B9
      k1 &+= 0xBB67_AE85
    }
    return SIMD4(c0, c1, c2, c3)
  }
}

/// The random numbers of a seed for one purpose.
package struct RandomStream: Sendable {
  private let key: (UInt32, UInt32)
  private let site: UInt32

  /// `place` tells apart the streams of a purpose that has many: dropouts, parameters.
  package init(seed: UInt64, _ site: RandomSite, place: Int = 0) {
    key = (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
    self.site = site.number(place)
  }

  /// The words of counter (index, sample, site, step). An index of 2^32 or more reaches into the samples: a stream with
  /// such indices has no other samples.
  package func words(_ index: Int, sample: Int = 0, step: Int = 0) -> SIMD4<UInt32> {
    Philox.words(
      counter: (
        UInt32(truncatingIfNeeded: index), UInt32(truncatingIfNeeded: sample) ^ UInt32(truncatingIfNeeded: index >> 32),
        site, UInt32(truncatingIfNeeded: step)
      ), key: key)
  }

  /// A number in [0, 1) with 53 bits.
  package func uniform(_ index: Int, sample: Int = 0, step: Int = 0) -> Double {
    let words = words(index, sample: sample, step: step)
    return Double((UInt64(words[0]) << 32 | UInt64(words[1])) >> 11) * 0x1p-53
  }

  /// A whole number in 0 ..< bound, by the upper half of a product; the bias is below bound / 2^64.
  package func integer(below bound: Int, _ index: Int, sample: Int = 0, step: Int = 0) -> Int {
    check(bound > 0, "a number below \(bound)")
    let words = words(index, sample: sample, step: step)
    return Int((UInt64(words[0]) << 32 | UInt64(words[1])).multipliedFullWidth(by: UInt64(bound)).high)
  }
}
