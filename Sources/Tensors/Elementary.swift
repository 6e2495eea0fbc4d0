internal import MiniGPTSystemC

/// exp(x): x = k·ln 2 + r, a polynomial for exp(r) on |r| ≤ ln(2)/2, then the exponent; 0 below -87.3.
///
/// Our own, so that the same bits come out on any machine. Relative error below 2·10⁻⁷. NaN stays NaN, and what is too
/// large becomes infinity: only k is kept within bounds.
package func exponential(_ x: Float) -> Float {
  if x < -87.3 { return 0 }
  if x != x { return x }
  let k = (min(x, 88.72) * 1.442_695_04).rounded(.toNearestOrEven)
  let r = (x - k * 0.693_359_375) + k * 2.121_944_40e-4
  var p: Float = 1.987_569_15e-4
  p = p * r + 1.398_199_950_7e-3
  p = p * r + 8.333_451_907_3e-3
  p = p * r + 4.166_579_589_4e-2
  p = p * r + 1.666_666_545_9e-1
  p = p * r + 5.000_000_120_1e-1
  p = p * (r * r) + r + 1
  let exponent = Int32(k), half = exponent >> 1
  return p * Float(bitPattern: UInt32(half + 127) << 23) * Float(bitPattern: UInt32(exponent - half + 127) << 23)
}

/// log(x), computed in double precision and rounded once.
package func logarithm(_ x: Float) -> Float { Float(log(Double(x))) }

// The system's functions, under names that the members below do not hide.
private let systemExp: @Sendable (Double) -> Double = { exp($0) }
private let systemLog: @Sendable (Double) -> Double = { log($0) }
private let systemTanh: @Sendable (Double) -> Double = { tanh($0) }
private let systemSin: @Sendable (Double) -> Double = { sin($0) }
private let systemCos: @Sendable (Double) -> Double = { cos($0) }
private let systemPow: @Sendable (Double, Double) -> Double = { pow($0, $1) }

/// The elementary functions that the plain references of the layers need.
package protocol Real: BinaryFloatingPoint, Sendable {}

extension Real {
  package static func exp(_ x: Self) -> Self { Self(systemExp(Double(x))) }
  package static func log(_ x: Self) -> Self { Self(systemLog(Double(x))) }
  package static func tanh(_ x: Self) -> Self { Self(systemTanh(Double(x))) }
  package static func sin(_ x: Self) -> Self { Self(systemSin(Double(x))) }
  package static func cos(_ x: Self) -> Self { Self(systemCos(Double(x))) }
  package static func pow(_ x: Self, _ y: Self) -> Self { Self(systemPow(Double(x), Double(y))) }
}

extension Double: Real {}
extension Float: Real {}
