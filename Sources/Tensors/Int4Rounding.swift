/// The numbers of int4, here and in files: w ≈ scale · (level - 8), levels from 0 to 15, a scale in f16 for each 32: GGUF's
/// Q4_0.
package enum Int4Rounding {
  /// Numbers that share a scale.
  package static let group = 32

  package typealias Levels = SIMD32<UInt8>

  /// The levels of 32 numbers, and their scale as the bits of a half float.
  ///
  /// Of some scales around the one that makes the largest number -8 the one with the least squared error is taken, and then
  /// the one that suits the levels best: the largest number alone would leave an error some hundredths larger.
  package static func levels(_ numbers: UnsafePointer<Float>) -> (scale: UInt16, levels: Levels) {
    var w = SIMD32<Float>()
    for index in 0..<group { unsafe w[index] = numbers[index] }
    return levels(w)
  }

  /// The same.
  package static func levels(_ w: SIMD32<Float>) -> (scale: UInt16, levels: Levels) {
    let least = w.min(), most = w.max(), extreme = -least > most ? least : most
    // Times zero, all that is finite is zero.
    guard extreme != 0, (w * SIMD32(repeating: 0)).sum() == 0 else { return (0, Levels(repeating: 8)) }
    var best = (error: Float.infinity, q: SIMD32<Float>(), scale: Float(0))
    for steps in candidates {
      let scale = extreme / steps, q = rounded(w * SIMD32(repeating: 1 / scale))
      let left = w - q * SIMD32(repeating: scale)
      let error = (left * left).sum()
      if error < best.error { best = (error, q, scale) }
    }
    let squares = (best.q * best.q).sum(), scale = squares > 0 ? (w * best.q).sum() / squares : best.scale
    // The levels stay, so that the largest is -8, -7 or 7, and scales have the one sign where they may have either: what
    // was made of levels gives the same again.
    let isMirrored = scale < 0 && best.q.min() > -8
    let half = ShortFloat.f16(max(-65504, min(65504, isMirrored ? -scale : scale)))
    return (half, Levels(truncatingIfNeeded: SIMD32<Int32>(isMirrored ? -best.q : best.q) &+ 8))
  }

  /// The level that the number of the largest size gets, less 8, before it is rounded.
  private static let candidates: [Float] = [-8, -8.5, -7.5, -7, 7, 7.5]

  private static func rounded(_ x: SIMD32<Float>) -> SIMD32<Float> {
    x.rounded(.toNearestOrEven).clamped(lowerBound: SIMD32(repeating: -8), upperBound: SIMD32(repeating: 7))
  }
}
