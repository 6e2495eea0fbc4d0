import Foundation
import MiniGPTTensors
import Testing

@Suite struct ConsistentLossTests {
  /// -log P[target] - log Q[target] + α · (KL(P ‖ Q) + KL(Q ‖ P)) / 2 in double precision: Liang et al. 2021, eq. (1) to (3).
  static func reference(_ p: [Double], _ q: [Double], _ target: Int, smoothing: Double, weight: Double) -> Double {
    let n = p.count
    func logarithms(_ z: [Double]) -> [Double] {
      let most = z.max() ?? 0, logSum = most + log(z.reduce(0) { $0 + exp($1 - most) })
      return z.map { $0 - logSum }
    }
    let (logP, logQ) = (logarithms(p), logarithms(q))
    return (0..<n).reduce(0) { sum, j in
      let wanted = smoothing / Double(n) + (j == target ? 1 - smoothing : 0)
      let divergence = (exp(logP[j]) - exp(logQ[j])) * (logP[j] - logQ[j])
      return sum - wanted * (logP[j] + logQ[j]) + weight / 2 * divergence
    }
  }

  /// The gradient against the slope of the definition, within 10⁻⁵ of the scale; the losses are those of `crossEntropy`.
  @Test(arguments: InstructionSet.available) func equalsTheDefinition(set: InstructionSet) throws {
    let field = try Field(set, threads: 2, floats: 1 << 16), groups = 3, apart = 5, scale: Float = 0.25
    let rows = 2 * groups * apart, copies = Copies(apart: apart, weight: 5)
    for n in [2, 7, 40, 131] {
      for smoothing: Float in [0, 0.1] {
        field.reset()
        let values = numbers(rows * n, n).map { $0 * 3 }
        let targets = (0..<rows).map { r -> Int32 in
          let place = r / (2 * apart) * apart + r % apart
          return place % 4 == 3 ? -1 : Int32(place * 7 % n)
        }
        let logits = field.place(rows, n, values), ids = field.place(targets)
        let losses = field.place(rows, 1, seed: 1, contiguous: true)
        field.memory.consistentCrossEntropy(
          logits, targets: ids, losses: losses, copies: copies, gradientScale: scale, smoothing: smoothing)
        #expect(field.changedOnly(logits, losses), "\(n)")
        let got = field.memory.read(losses), gradients = field.memory.read(logits)
        let (again, plain) = (field.place(rows, n, values), field.place(rows, 1, seed: 1, contiguous: true))
        field.memory.crossEntropy(again, targets: ids, losses: plain, gradientScale: nil, smoothing: smoothing)
        #expect(field.memory.read(plain).bits == got.bits, "\(n)")
        for r in 0..<rows {
          let other = r % (2 * apart) < apart ? r + apart : r - apart
          if targets[r] < 0 {
            #expect(gradients[r * n..<(r + 1) * n].allSatisfy { $0 == 0 })
            continue
          }
          let z = values[r * n..<(r + 1) * n].map(Double.init)
          let copy = values[other * n..<(other + 1) * n].map(Double.init), step = 1e-5
          let slopes = (0..<n).map { j in
            var (up, down) = (z, z)
            up[j] += step
            down[j] -= step
            func loss(_ z: [Double]) -> Double {
              Self.reference(z, copy, Int(targets[r]), smoothing: Double(smoothing), weight: 5)
            }
            return (loss(up) - loss(down)) / (2 * step) * Double(scale)
          }
          #expect(worstError(Array(gradients[r * n..<(r + 1) * n]), slopes) < 1e-5, "row \(r) of \(n)")
        }
      }
    }
  }

  /// Equal predictions differ by nothing: what is left is the gradient of the cross-entropy.
  @Test(arguments: InstructionSet.available) func equalCopiesHaveTheOrdinaryGradient(set: InstructionSet) throws {
    let field = try Field(set), n = 33, values = numbers(2 * n, 4)
    let twice = Array(values[..<n]) + Array(values[..<n])
    let logits = field.place(2, n, twice), ids = field.place([4, 4]),
      losses = field.place(2, 1, seed: 1, contiguous: true)
    field.memory.consistentCrossEntropy(
      logits, targets: ids, losses: losses, copies: Copies(apart: 1, weight: 5), gradientScale: 1, smoothing: 0)
    let plain = field.place(2, n, twice)
    field.memory.crossEntropy(plain, targets: ids, losses: losses, gradientScale: 1)
    #expect(worstError(field.memory.read(logits), field.memory.read(plain).map(Double.init)) < 1e-6)
  }

  @Test(arguments: InstructionSet.available) func bitsDependOnNoThreads(set: InstructionSet) throws {
    func run(threads: Int) throws -> [[UInt32]] {
      let field = try Field(set, threads: threads, floats: 1 << 15), (rows, n) = (36, 70)
      let logits = field.place(rows, n, seed: 1), losses = field.place(rows, 1, seed: 2, contiguous: true)
      let targets = field.place((0..<rows).map { Int32($0 / 6 * 3 + $0 % 3) })
      field.memory.consistentCrossEntropy(
        logits, targets: targets, losses: losses, copies: Copies(apart: 3, weight: 2), gradientScale: 0.1,
        smoothing: 0.1)
      return [field.memory.read(losses).bits, field.memory.read(logits).bits]
    }
    let one = try run(threads: 1)
    for threads in [2, 3] { #expect(try run(threads: threads) == one) }
  }
}
