import MiniGPTParallel
import MiniGPTTensors
import Testing

@Suite struct MuonTests {
  static let polynomials = [
    OddPolynomial(3.4445, -4.7750, 2.0315), OddPolynomial(3.2857, -2.3681, 0.4645),
    OddPolynomial(2.3465, -1.7098, 0.4232),
  ]

  static func step(cautious: Bool = false) -> MuonStep {
    MuonStep(
      momentum: 0.9, gradientScale: 0.5, rate: 0.02, decay: 0.03, isCautious: cautious, margin: 1.01,
      polynomials: polynomials)
  }

  /// Matrices with gaps between them and beside their columns, in a memory of their own.
  struct Place {
    let memory: Memory
    let matrices: [MuonMatrix]
    let whole: [Slot]

    init(
      _ shapes: [(rows: Int, columns: Int)], _ set: InstructionSet, threads: Int = 1, _ precision: Precision = .fp32
    ) throws {
      var plan = MemoryPlan(trains: true), next = 3, matrices: [MuonMatrix] = []
      for shape in shapes {
        // Three columns on the left and two on the right are not the matrix's.
        let weight = Slot(.parameters, offset: next, rows: shape.rows, columns: shape.columns + 5)
        let momentum = plan.takeState(like: weight), range = 3..<3 + shape.columns
        matrices.append(MuonMatrix(weight: weight.columns(range), momentum: momentum.columns(range)))
        next = weight.end + 2
      }
      plan.needScratch(Memory.muonScratch(matrices))
      memory = Memory(
        plan, ParameterStorage(count: next),
        on: Processor(WorkerPool(threads: threads), try #require(set.kernels), precision))
      self.matrices = matrices
      whole = [Region.parameters, .gradients, .optimizer].map { [memory] in
        Slot($0, offset: 0, rows: 1, columns: memory.count(of: $0))
      }
      for (index, slot) in whole.enumerated() { memory.write(slot, numbers(slot.count, 50 + index)) }
    }
  }

  /// The definition in double precision.
  struct Reference {
    var weight: [Double], momentum: [Double], gradient: [Double]
    let rows: Int, columns: Int

    typealias Matrix = [[Double]]

    static func product(_ a: Matrix, _ b: Matrix) -> Matrix {
      a.map { row in
        b[0].indices.map { j in row.indices.reduce(0) { $0 + row[$1] * b[$1][j] } }
      }
    }

    static func transposed(_ a: Matrix) -> Matrix { a[0].indices.map { j in a.map { $0[j] } } }

    mutating func step(_ step: MuonStep) {
      let mu = Double(step.momentum), scale = Double(step.gradientScale)
      for i in momentum.indices { momentum[i] = mu * momentum[i] + (1 - mu) * scale * gradient[i] }
      let u = momentum.indices.map { mu * momentum[$0] + (1 - mu) * scale * gradient[$0] }
      var x: Matrix = (0..<rows).map { Array(u[$0 * columns..<($0 + 1) * columns]) }
      if rows > columns { x = Self.transposed(x) }
      let norm = Double(step.margin) * u.reduce(0) { $0 + $1 * $1 }.squareRoot() + 1e-7
      x = x.map { $0.map { $0 / norm } }
      for p in step.polynomials {
        let a = Self.product(x, Self.transposed(x)), square = Self.product(a, a)
        let cubic = a.indices.map { i in a.indices.map { Double(p.b) * a[i][$0] + Double(p.c) * square[i][$0] } }
        let added = Self.product(cubic, x)
        x = x.indices.map { i in x[i].indices.map { Double(p.a) * x[i][$0] + added[i][$0] } }
      }
      if rows > columns { x = Self.transposed(x) }
      let rate = Double(step.rate) * 0.2 * Double(max(rows, columns)).squareRoot(), decay = Double(step.decay)
      for i in weight.indices {
        let u = x[i / columns][i % columns]
        if !step.isCautious || u * weight[i] >= 0 { weight[i] -= decay * weight[i] }
        weight[i] -= rate * u
      }
    }
  }

  static let shapes = [
    (1, 1), (1, 9), (9, 1), (5, 7), (7, 5), (8, 8), (16, 33), (33, 16), (47, 48), (64, 130), (130, 64), (97, 97),
    (130, 200),
  ]

  /// Three steps.
  @Test(arguments: InstructionSet.available, [false, true]) func isTheDefinition(
    set: InstructionSet, cautious: Bool
  ) throws {
    let place = try Place(Self.shapes, set, threads: 2), memory = place.memory
    let before = place.whole.map(memory.read)
    var references = place.matrices.map {
      Reference(
        weight: memory.read($0.weight).doubles, momentum: memory.read($0.momentum).doubles, gradient: [],
        rows: $0.weight.rows, columns: $0.weight.columns)
    }
    for step in 0..<3 {
      for (index, matrix) in place.matrices.enumerated() {
        let gradient = numbers(matrix.weight.count, 100 * step + index)
        memory.write(matrix.weight.at(.gradients), gradient)
        references[index].gradient = gradient.doubles
        references[index].step(Self.step(cautious: cautious))
      }
      memory.muon(place.matrices, Self.step(cautious: cautious))
    }
    for (matrix, reference) in zip(place.matrices, references) {
      #expect(worstError(memory.read(matrix.weight), reference.weight) < 1e-5, "\(matrix.weight)")
      #expect(worstError(memory.read(matrix.momentum), reference.momentum) < 1e-6, "\(matrix.weight)")
      for (slot, value) in [(matrix.weight, 7), (matrix.weight.at(.gradients), 7), (matrix.momentum, 7)] {
        memory.fill(slot, Float(value))
      }
    }
    // What lies beside them is as it was.
    let untouched = try Place(Self.shapes, set)
    for (index, slot) in untouched.whole.enumerated() { untouched.memory.write(slot, before[index]) }
    for matrix in untouched.matrices {
      for slot in [matrix.weight, matrix.weight.at(.gradients), matrix.momentum] { untouched.memory.fill(slot, 7) }
    }
    for slot in place.whole { #expect(memory.read(slot).bits == untouched.memory.read(slot).bits) }
  }

  /// After enough iterations U U ᵀ is the identity, in bfloat16 roughly; a step of rate 1 on weights of zero is -0.2 √n U.
  @Test(arguments: InstructionSet.available, Precision.allCases) func stepsAreOrthogonal(
    set: InstructionSet, precision: Precision
  ) throws {
    let place = try Place([(24, 60), (60, 24)], set, precision), memory = place.memory
    for matrix in place.matrices {
      memory.fill(matrix.weight, 0)
      memory.fill(matrix.momentum, 0)
    }
    var step = Self.step()
    step.rate = 1
    step.polynomials = Array(repeating: OddPolynomial(1.875, -1.25, 0.375), count: 20)
    memory.muon(place.matrices, step)
    for matrix in place.matrices {
      let values = memory.read(matrix.weight).doubles, columns = matrix.weight.columns
      let rows = (0..<matrix.weight.rows).map { Array(values[$0 * columns..<($0 + 1) * columns]) }
      let wide = rows.count > columns ? Reference.transposed(rows) : rows
      let scale = 0.04 * Double(max(rows.count, columns))
      let gram = Reference.product(wide, Reference.transposed(wide))
      for i in gram.indices {
        for j in gram.indices {
          let error = abs(gram[i][j] / scale - (i == j ? 1 : 0))
          #expect(error < (precision == .fp32 ? 1e-5 : 0.05), "[\(i), \(j)] of \(matrix.weight)")
        }
      }
    }
  }

  @Test(arguments: InstructionSet.available) func threadsDoNotShowInTheBits(set: InstructionSet) throws {
    func run(threads: Int) throws -> [[UInt32]] {
      let place = try Place(Self.shapes, set, threads: threads)
      for _ in 0..<2 { place.memory.muon(place.matrices, Self.step()) }
      return place.whole.map { place.memory.read($0).bits }
    }
    let one = try run(threads: 1)
    for threads in [2, 3, 7] { #expect(try run(threads: threads) == one, "\(threads) threads") }
  }

  /// A gradient of zero moves nothing, and makes nothing that is no number.
  @Test(arguments: InstructionSet.available) func withoutGradientNothingMoves(set: InstructionSet) throws {
    let place = try Place([(8, 20)], set), memory = place.memory, matrix = place.matrices[0]
    memory.fill(matrix.momentum, 0)
    memory.fill(matrix.weight.at(.gradients), 0)
    let before = memory.read(matrix.weight)
    var step = Self.step()
    step.decay = 0
    memory.muon(place.matrices, step)
    #expect(memory.read(matrix.weight).bits == before.bits)
  }

  @Test func matricesThatDoNotFitAreOurMistake() async {
    let rows = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let place = try Place([(8, 20)], .portable)
      let other = MuonMatrix(weight: place.matrices[0].weight, momentum: place.matrices[0].momentum.columns(0..<19))
      place.memory.muon([other], Self.step())
    }
    #expect(errorText(rows).contains("Muon of"))
  }
}
