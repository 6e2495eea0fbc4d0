/// ‖a - b‖ / max(‖b‖, 10⁻⁶ · all): the error of a tensor, never element by element.
///
/// - Parameter all: the norm of all gradients together, so that one which is zero in mathematics does not divide by its
///   own noise.
package func distance(_ a: [Double], _ b: [Double], all: Double = 0) -> Double {
  precondition(a.count == b.count)
  let difference = norm(zip(a, b).map { $0 - $1 })
  return difference == 0 ? 0 : difference / max(norm(b), 1e-6 * all)
}

package func distance(_ a: [Float], _ b: [Float], all: Double = 0) -> Double {
  distance(a.map(Double.init), b.map(Double.init), all: all)
}

package func norm(_ x: [Double]) -> Double { x.map { $0 * $0 }.reduce(0, +).squareRoot() }
