/// The bits of bf16 and of f16, IEEE 754's half, in plain Swift: what generation packs and what files hold.
package enum ShortFloat {
  /// To the nearest, ties to even; a NaN stays one.
  @inlinable package static func bf16(_ x: Float) -> UInt16 {
    let bits = x.bitPattern
    if x != x { return UInt16(truncatingIfNeeded: bits >> 16) | 0x40 }
    return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ ((bits >> 16) & 1)) >> 16)
  }

  /// Exact.
  @inlinable package static func float(bf16 bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }

  /// To the nearest, ties to even; what is too large becomes infinity; a NaN stays one.
  @inlinable package static func f16(_ x: Float) -> UInt16 {
    let bits = x.bitPattern, sign = UInt16(truncatingIfNeeded: (bits >> 16) & 0x8000), magnitude = bits & 0x7FFF_FFFF
    if magnitude > 0x7F80_0000 { return sign | 0x7E00 }
    if magnitude >= 0x4780_0000 { return sign | 0x7C00 }
    if magnitude < 0x3880_0000 {
      // Below 2^-14 a half counts in steps of 2^-24: adding 1/2 leaves the steps in the last bits.
      let steps = (Float(bitPattern: magnitude) + 0.5).bitPattern &- Float(0.5).bitPattern
      return sign | UInt16(truncatingIfNeeded: steps)
    }
    let rounded = magnitude &+ 0xFFF &+ ((magnitude >> 13) & 1)
    return sign | UInt16(truncatingIfNeeded: (rounded &- 0x3800_0000) >> 13)
  }

  /// Exact.
  @inlinable package static func float(f16 bits: UInt16) -> Float {
    let sign = UInt32(bits & 0x8000) << 16, exponent = UInt32(bits >> 10) & 0x1F, fraction = UInt32(bits) & 0x3FF
    switch exponent {
    case 0:
      let magnitude = Float(fraction) * 0x1p-24
      return Float(bitPattern: magnitude.bitPattern | sign)
    case 31: return Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
    default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
    }
  }
}
