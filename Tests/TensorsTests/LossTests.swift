import Foundation
import MiniGPTTensors
import Testing

@Suite struct LossTests {
  /// Cross-entropy of one row and its gradient, in double precision; smoothing as PyTorch has it, ε / K for all.
  static func reference(_ logits: [Float], _ target: Int32, smoothing: Float) -> (loss: Double, gradient: [Double]) {
    guard target >= 0 else { return (0, logits.map { _ in 0 }) }
    let n = logits.count, z = logits.map(Double.init), most = z.max() ?? 0
    let sum = z.reduce(0) { $0 + exp($1 - most) }, logSum = most + log(sum)
    let wanted = (0..<n).map { Double(smoothing) / Double(n) + ($0 == Int(target) ? 1 - Double(smoothing) : 0) }
    let loss = zip(wanted, z).reduce(0) { $0 + $1.0 * (logSum - $1.1) }
    return (loss, zip(z, wanted).map { exp($0 - logSum) - $1 })
  }

  /// Losses up to 40 are within 10⁻⁶ of themselves, gradients within 10⁻⁶ of the scale.
  @Test(arguments: InstructionSet.available) func equalsTheDefinition(set: InstructionSet) throws {
    let field = try Field(set, threads: 2, floats: 1 << 16), rows = 11, scale: Float = 0.25
    for n in lengths where n > 0 {
      let targets = (0..<rows).map { $0 % 4 == 3 ? Int32(-1) : Int32($0 * 7 % n) }
      for smoothing: Float in [0, 0.1] {
        field.reset()
        let values = numbers(rows * n, n).map { $0 * 20 }
        let logits = field.place(rows, n, values), ids = field.place(targets)
        let losses = field.place(rows, 1, seed: 1, contiguous: true)
        field.memory.crossEntropy(logits, targets: ids, losses: losses, gradientScale: scale, smoothing: smoothing)
        #expect(field.changedOnly(logits, losses), "\(n)")
        let got = field.memory.read(losses), gradients = field.memory.read(logits)
        for r in 0..<rows {
          let row = r * n..<(r + 1) * n
          let (loss, gradient) = Self.reference(Array(values[row]), targets[r], smoothing: smoothing)
          #expect(worstError([got[r]], [loss]) < 1e-6, "loss of \(n), smoothing \(smoothing)")
          #expect(
            worstError(Array(gradients[row]), gradient.map { $0 * Double(scale) }) < 1e-6 * Double(scale),
            "gradient of \(n), smoothing \(smoothing)")
        }
        // Without a gradient the loss is the same, bit for bit.
        let (again, only) = (field.place(rows, n, values), field.place(rows, 1, seed: 1, contiguous: true))
        field.memory.crossEntropy(again, targets: ids, losses: only, gradientScale: nil, smoothing: smoothing)
        #expect(field.memory.read(only).bits == got.bits, "\(n)")
      }
    }
  }

  /// The gradient above against the slope of the loss above.
  @Test(arguments: [Float(0), 0.1]) func theReferenceIsItsOwnSlope(smoothing: Float) {
    let z = numbers(9, 1).map { $0 * 3 }, step: Float = 1.0 / 1024
    let gradient = Self.reference(z, 4, smoothing: smoothing).gradient
    for j in 0..<9 {
      var (up, down) = (z, z)
      up[j] += step
      down[j] -= step
      let slope =
        (Self.reference(up, 4, smoothing: smoothing).loss - Self.reference(down, 4, smoothing: smoothing).loss)
        / (Double(up[j]) - Double(down[j]))
      #expect(abs(slope - gradient[j]) < 1e-6)
    }
  }

  @Test(arguments: InstructionSet.available) func oneColumnHasNoLoss(set: InstructionSet) throws {
    let field = try Field(set), logits = field.place(2, 1, [3, -200]), ids = field.place([0, 0])
    let losses = field.place(2, 1, seed: 1, contiguous: true)
    field.memory.crossEntropy(logits, targets: ids, losses: losses, gradientScale: 1, smoothing: 0.1)
    #expect(field.memory.read(losses) == [0, 0] && field.memory.read(logits) == [0, 0])
  }

  /// Large logits cost no digits: only their differences count.
  @Test(arguments: InstructionSet.available) func aCommonShiftChangesNoLoss(set: InstructionSet) throws {
    let field = try Field(set), n = 50
    // Quarters, so that the shift is exact.
    let values = numbers(n, 1).map { ($0 * 40).rounded() / 4 }
    func loss(_ shift: Float) -> Float {
      field.reset()
      let logits = field.place(1, n, values.map { $0 + shift }), losses = field.place(1, 1, [0])
      field.memory.crossEntropy(logits, targets: field.place([7]), losses: losses, gradientScale: nil)
      return field.memory.value(losses, 0, 0)
    }
    #expect(loss(0) == loss(4096) && loss(0) == loss(-65536))
  }

  @Test(arguments: InstructionSet.available) func extremeLogits(set: InstructionSet) throws {
    let field = try Field(set)
    func run(_ values: [Float], target: Int32) -> (loss: Float, gradient: [Float]) {
      field.reset()
      let logits = field.place(1, values.count, values), losses = field.place(1, 1, [5])
      field.memory.crossEntropy(logits, targets: field.place([target]), losses: losses, gradientScale: 1)
      return (field.memory.value(losses, 0, 0), field.memory.read(logits))
    }
    #expect(run([1e30, -1e30, 0], target: 0) == (0, [0, 0, 0]))
    #expect(run([1e30, -1e30, 0], target: 2) == (1e30, [1, 0, -1]))
    #expect(run([0, -.infinity, 0], target: 0).gradient == [-0.5, 0, 0.5])
    for broken in [[Float.nan, 1, 2], [1, 2, .nan], [.infinity, 1, 2]] {
      let (loss, gradient) = run(broken, target: 1)
      #expect(!loss.isFinite && gradient.contains { $0.isNaN }, "\(broken)")
    }
    #expect(run(.init(repeating: -.infinity, count: 40), target: 1).loss.isNaN)
  }

  @Test(arguments: InstructionSet.available) func bitsDependOnNeitherThreadsNorNeighbours(set: InstructionSet) throws {
    let (rows, n) = (45, 70)
    func run(threads: Int, _ range: Range<Int>) throws -> [[UInt32]] {
      let field = try Field(set, threads: threads, floats: 1 << 15)
      let logits = field.place(rows, n, seed: 1).rows(range)
      let targets = field.place((0..<rows).map { Int32($0 % n) }).range(range)
      let losses = field.place(rows, 1, seed: 2, contiguous: true).rows(range)
      field.memory.crossEntropy(logits, targets: targets, losses: losses, gradientScale: 0.1, smoothing: 0.1)
      return [field.memory.read(losses).bits, field.memory.read(logits).bits]
    }
    let whole = try run(threads: 1, 0..<rows)
    for threads in [2, 3] { #expect(try run(threads: threads, 0..<rows) == whole) }
    for range in [0..<1, 7..<9, 44..<45] {
      let part = try run(threads: 2, range)
      #expect(part[0] == Array(whole[0][range]))
      #expect(part[1] == Array(whole[1][range.lowerBound * n..<range.upperBound * n]))
    }
  }

  @Test func aTargetOutsideOfTheLogitsIsOurMistake() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let field = try Field(.portable), logits = field.place(1, 3, seed: 1), losses = field.place(1, 1, [0])
      field.memory.crossEntropy(logits, targets: field.place([3]), losses: losses, gradientScale: nil)
    }
    #expect(errorText(result).contains("target 3 of 3 logits"))
  }
}
