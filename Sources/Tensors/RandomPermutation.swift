internal import MiniGPTPlatform

extension RandomStream {
  /// Returns where a random permutation of 0 ..< count takes `place`; each step has one of its own.
  ///
  /// Nothing is kept: a Feistel network (Luby, Rackoff, "How to Construct Pseudorandom Permutations", SIAM J. Comput.
  /// 1988) permutes the numbers of the fewest even bits that hold `count`, and what falls behind `count` goes through it
  /// again, until it does not (Black, Rogaway, "Ciphers with Arbitrary Finite Domains", CT-RSA 2002). The numbers are
  /// fewer than four times as many, so a place goes through it fewer than four times on average.
  package func permuted(_ place: Int, of count: Int, step: Int) -> Int {
    check(0..<count ~= place && count <= 1 << 62, "place \(place) of \(count)")
    let bits = Int.bitWidth - (count - 1).leadingZeroBitCount, half = UInt64((bits + 1) / 2)
    let mask: UInt64 = 1 << half - 1
    var number = UInt64(place)
    repeat {
      var left = number >> half, right = number & mask
      for round in 0..<Self.permutationRounds {
        let word = words(Int(right), sample: round, step: step)[0]
        (left, right) = (right, left ^ UInt64(word) & mask)
      }
      number = left << half | right
    } while number >= count
    return Int(number)
  }

  /// Four would do for many blocks; where they are few, more mix better, and ten cost nothing beside a training step.
  private static let permutationRounds = 10
}
