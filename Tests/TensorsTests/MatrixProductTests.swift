import MiniGPTParallel
import MiniGPTTensors
import Testing

@Suite struct MatrixProductTests {
  static func memory(
    _ set: InstructionSet, _ precision: Precision = .fp32, threads: Int = 1, activations: Int
  ) throws -> Memory {
    Memory(
      MemoryPlan(activations: activations), ParameterStorage(count: 0),
      on: Processor(WorkerPool(threads: threads), try #require(set.kernels), precision))
  }

  /// The product as the definition has it, in double precision.
  static func reference(_ a: [Float], _ b: [Float], _ m: Int, _ n: Int, _ k: Int) -> [Double] {
    var c = [Double](repeating: 0, count: m * n)
    for i in 0..<m {
      for j in 0..<n {
        for l in 0..<k { c[i * n + j] += Double(a[i * k + l]) * Double(b[l * n + j]) }
      }
    }
    return c
  }

  static func transpose(_ x: [Float], _ rows: Int, _ columns: Int) -> [Float] {
    (0..<rows * columns).map { x[$0 % rows * columns + $0 / rows] }
  }

  static let shapes = [
    (1, 1, 1), (1, 33, 7), (3, 31, 5), (12, 32, 16), (13, 33, 17), (25, 65, 300), (7, 100, 513), (70, 9, 3),
    (50, 130, 64), (5, 40, 0), (121, 48, 260), (40, 50, 1025), (30, 40, 1100),
  ]

  @Test(arguments: InstructionSet.available, Precision.allCases)
  func equalsTheDefinition(set: InstructionSet, precision: Precision) throws {
    func seen(_ x: [Float]) -> [Float] { precision == .fp32 ? x : x.map(bfloat16) }
    for (m, n, k) in Self.shapes {
      let a = numbers(m * k, 1), b = numbers(k * n, 2), start = numbers(m * n, 3)
      let expected = Self.reference(seen(a), seen(b), m, n, k)
      for (aT, bT, accumulate) in [
        (false, false, false), (true, false, false), (false, true, false), (true, true, true), (false, false, true),
      ] {
        var plan = MemoryPlan(activations: 1)  // off the vectors' boundaries
        let aSlot = aT ? plan.take(k, m) : plan.take(m, k)
        let bSlot = bT ? plan.take(n, k) : plan.take(k, n)
        let cSlot = Slot(.activations, offset: plan.activations + 3, rows: m, columns: n, stride: n + 2)
        let memory = try Self.memory(set, precision, threads: 2, activations: cSlot.end + 16)
        memory.write(aSlot, aT ? Self.transpose(a, m, k) : a)
        memory.write(bSlot, bT ? Self.transpose(b, k, n) : b)
        memory.write(cSlot, start)
        memory.product(
          cSlot, aT ? aSlot.transposed : aSlot.plain, bT ? bSlot.transposed : bSlot.plain, accumulate: accumulate)
        let c = memory.read(cSlot)
        let worst = (0..<m * n).map { abs(Double(c[$0]) - expected[$0] - (accumulate ? Double(start[$0]) : 0)) }.max()
        #expect(try #require(worst) < 1e-6 * Double(k + 8), "\(set) \(m)×\(k)×\(n) \(aT) \(bT) \(accumulate)")
      }
    }
  }

  @Test(arguments: InstructionSet.available, Precision.allCases)
  func bitsDependOnNeitherThreadsNorNeighbours(set: InstructionSet, precision: Precision) throws {
    let (m, n, k) = (137, 200, 301)
    let a = numbers(m * k, 4), b = numbers(k * n, 5)
    func run(rows: Range<Int>, threads: Int) throws -> [Float] {
      var plan = MemoryPlan()
      let (x, y, c) = (plan.take(m, k), plan.take(k, n), plan.take(m, n))
      let memory = try Self.memory(set, precision, threads: threads, activations: plan.activations)
      memory.write(x, a)
      memory.write(y, b)
      memory.product(c.rows(rows), x.rows(rows).plain, y.plain)
      return memory.read(c.rows(rows))
    }
    let whole = try run(rows: 0..<m, threads: 1)
    #expect(try run(rows: 0..<m, threads: 3) == whole)
    for rows in [0..<1, 5..<6, 100..<137, 1..<30] {
      #expect(try run(rows: rows, threads: 2) == Array(whole[rows.lowerBound * n..<rows.upperBound * n]))
    }
  }

  @Test(arguments: InstructionSet.available) func epiloguesFollowTheProduct(set: InstructionSet) throws {
    let (m, n, k) = (30, 45, 20)
    var plan = MemoryPlan()
    let (x, y, c) = (plan.take(m, k), plan.take(k, n), plan.take(m, n))
    let (bias, activated, plain) = (plan.take(1, n), plan.take(m, n), plan.take(m, n))
    let memory = try Self.memory(set, threads: 2, activations: plan.activations)
    memory.write(x, numbers(m * k, 6))
    memory.write(y, numbers(k * n, 7))
    memory.write(bias, numbers(n, 8))
    memory.product(plain, x.plain, y.plain)
    let biases = memory.read(bias)
    let expected = memory.read(plain).enumerated().map { $1 + biases[$0 % n] }
    memory.product(c, x.plain, y.plain, then: .bias(bias))
    #expect(memory.read(c) == expected)
    memory.product(c, x.plain, y.plain, then: .activation(.relu, bias: bias, into: activated))
    #expect(memory.read(c) == expected)
    #expect(memory.read(activated) == expected.map { max($0, 0) })
    memory.product(c, x.plain, y.plain, then: .activationBackward(.relu, at: activated))
    #expect(memory.read(c) == zip(memory.read(plain), memory.read(activated)).map { $1 > 0 ? $0 : 0 })
  }
}
