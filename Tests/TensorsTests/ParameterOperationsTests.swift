import MiniGPTParallel
import MiniGPTTensors
import Testing

@Suite struct ParameterOperationsTests {
  static func memory(_ set: InstructionSet, count: Int, threads: Int = 1) throws -> Memory {
    var plan = MemoryPlan(trains: true)
    for _ in 0..<2 { _ = plan.takeState(like: slot(.parameters, 0, count)) }
    return Memory(
      plan, ParameterStorage(count: count), on: Processor(WorkerPool(threads: threads), try #require(set.kernels)))
  }

  /// Weights, gradient and both moments of a part of `count` parameters.
  static func trained(_ offset: Int, _ length: Int, of count: Int) -> [Slot] {
    var plan = MemoryPlan()
    let weights = slot(.parameters, offset, length),
      moments = (0..<2).map { _ in
        plan.takeState(like: slot(.parameters, 0, count)).columns(offset..<offset + length)
      }
    return [weights, weights.at(.gradients)] + moments
  }

  static func slot(_ region: Region, _ offset: Int, _ count: Int) -> Slot {
    Slot(region, offset: offset, rows: 1, columns: count)
  }

  static let rate: Float = 1e-2, decay: Float = 0.1, beta1: Float = 0.9, beta2: Float = 0.99, epsilon: Float = 1e-8

  static func step(_ t: Int) -> AdamWStep {
    var first: Double = 1, second: Double = 1
    for _ in 0..<t { (first, second) = (first * Double(beta1), second * Double(beta2)) }
    return AdamWStep(
      beta1: beta1, beta2: beta2, rate: Float(Double(rate) / (1 - first)),
      rootScale: Float(1 / (1 - second).squareRoot()), epsilon: epsilon, shrink: 1 - rate * decay, gradientScale: 0.5)
  }

  /// Loshchilov and Hutter 2019 (arXiv:1711.05101), algorithm 2, in double precision.
  struct Reference {
    var weight: Double, first = 0.0, second = 0.0, power1 = 1.0, power2 = 1.0

    mutating func step(_ gradient: Float) {
      let (beta1, beta2, rate) = (Double(beta1), Double(beta2), Double(rate)), g = Double(gradient) * 0.5
      (power1, power2) = (power1 * beta1, power2 * beta2)
      first = beta1 * first + (1 - beta1) * g
      second = beta2 * second + (1 - beta2) * g * g
      weight -= rate * Double(decay) * weight
      weight -= rate * (first / (1 - power1)) / ((second / (1 - power2)).squareRoot() + Double(epsilon))
    }
  }

  /// Weights of size 1 after five steps of at most 0.01 each: below 10⁻⁶ from double precision, the moments too.
  @Test(arguments: InstructionSet.available) func adamwEqualsTheDefinition(set: InstructionSet) throws {
    for n in lengths + [8191, 8192, 8193, 20_000] {
      let offset = 1 + n % 7, total = offset + n + 9
      let memory = try Self.memory(set, count: total, threads: 2)
      for whole in Self.trained(0, total, of: total) { memory.fill(whole, 0.25) }
      let slots = Self.trained(offset, n, of: total), weights = slots[0], start = numbers(n, n)
      memory.write(weights, start)
      for moment in slots[2...] { memory.fill(moment, 0) }
      var references = start.map { Reference(weight: Double($0)) }
      for t in 1...5 {
        let gradient = numbers(n, 10 * n + t).map { $0 * $0 * $0 }
        memory.write(weights.at(.gradients), gradient)
        memory.adamw(weights, first: slots[2], second: slots[3], Self.step(t))
        #expect(memory.read(weights.at(.gradients)) == gradient)
        for i in 0..<n { references[i].step(gradient[i]) }
      }
      #expect(worstError(memory.read(weights), references.map(\.weight)) < 1e-6, "\(n)")
      #expect(worstError(memory.read(slots[2]), references.map(\.first)) < 1e-7, "\(n)")
      #expect(worstError(memory.read(slots[3]), references.map(\.second)) < 1e-7, "\(n)")
      for (before, after) in zip(Self.trained(0, offset, of: total), Self.trained(offset + n, 9, of: total)) {
        let beside = [before, after].flatMap(memory.read)
        #expect(beside.count { $0 == 0.25 } == offset + 9, "\(before) beside \(n)")
      }
    }
  }

  /// Without decay and with a gradient of zero, a weight stays as it is, bit for bit.
  @Test(arguments: InstructionSet.available) func aWeightWithoutGradientStays(set: InstructionSet) throws {
    let memory = try Self.memory(set, count: 37), slots = Self.trained(0, 37, of: 37), weights = slots[0]
    memory.write(weights, numbers(37, 1))
    var step = Self.step(1)
    step.shrink = 1
    memory.adamw(weights, first: slots[2], second: slots[3], step)
    #expect(memory.read(weights).bits == numbers(37, 1).bits)
  }

  @Test(arguments: InstructionSet.available) func threadsDoNotShowInTheBits(set: InstructionSet) throws {
    let n = 3 * Memory.partialLength + 77
    let values = numbers(n, 1), gradients = numbers(n, 2)
    func run(threads: Int) throws -> ([UInt32], UInt64) {
      let memory = try Self.memory(set, count: n, threads: threads)
      memory.write(Self.slot(.parameters, 0, n), values)
      memory.write(Self.slot(.gradients, 0, n), gradients)
      let slots = Self.trained(0, n, of: n)
      memory.adamw(slots[0], first: slots[2], second: slots[3], Self.step(1))
      return (memory.read(Self.slot(.parameters, 0, n)).bits, memory.squaredGradientNorm().bitPattern)
    }
    let one = try run(threads: 1)
    for threads in [2, 3] { #expect(try run(threads: threads) == one, "\(threads) threads") }
  }

  /// The sum of squares is computed in double precision: below 10⁻¹² relative.
  @Test(arguments: InstructionSet.available) func gradientsAreSummedAndClearedToTheEnd(set: InstructionSet) throws {
    let part = Memory.partialLength
    for n in [0, 1, 15, 16, 17, 33, part - 1, part, part + 1, 2 * part, 2 * part + 5] {
      let memory = try Self.memory(set, count: n, threads: 2), all = Self.slot(.gradients, 0, n)
      let values = numbers(n, n + 1)
      memory.write(all, values)
      let others = Self.trained(0, n, of: n).filter { $0.region != .gradients }
      for slot in others { memory.fill(slot, 0.5) }
      let expected = values.reduce(0) { $0 + Double($1) * Double($1) }
      #expect(abs(memory.squaredGradientNorm() - expected) <= 1e-12 * expected, "\(n)")
      memory.clearGradients()
      #expect(memory.read(all).count { $0 == 0 } == n && memory.squaredGradientNorm() == 0, "\(n)")
      for slot in others { #expect(memory.read(slot).count { $0 == 0.5 } == n, "\(slot)") }
    }
  }

  @Test(arguments: InstructionSet.available) func oneBrokenGradientIsSeenInTheNorm(set: InstructionSet) throws {
    let n = Memory.partialLength + 19, memory = try Self.memory(set, count: n)
    for (place, broken) in [(0, Float.nan), (n - 1, .nan), (n - 1, .infinity), (Memory.partialLength, -.infinity)] {
      memory.clearGradients()
      memory.setValue(Self.slot(.gradients, 0, n), 0, place, broken)
      #expect(!memory.squaredGradientNorm().isFinite, "\(broken) at \(place)")
    }
    // Squares that no single-precision number holds are no error.
    memory.clearGradients()
    memory.setValue(Self.slot(.gradients, 0, n), 0, 5, 1e30)
    #expect(abs(memory.squaredGradientNorm() / 1e60 - 1) < 1e-6)
  }

  @Test func onlyParametersOfItsOwnAreTrained() async {
    let region = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let field = try Field(.portable), x = field.place(1, 3, seed: 1)
      field.memory.adamw(x, first: x, second: x, ParameterOperationsTests.step(1))
    }
    #expect(errorText(region).contains("AdamW of activations[1, 3]"))
    let untrained = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let memory = Memory(
        MemoryPlan(), ParameterStorage(count: 9),
        on: Processor(WorkerPool(threads: 1), try #require(InstructionSet.portable.kernels)))
      let slots = ParameterOperationsTests.trained(0, 9, of: 9)
      memory.adamw(slots[0], first: slots[2], second: slots[3], ParameterOperationsTests.step(1))
    }
    #expect(errorText(untrained).contains("gradients[1, 9] at 0 outside of 0 floats"))
  }
}
