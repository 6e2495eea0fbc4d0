import MiniGPTParallel
import MiniGPTTensors
import Testing

@Suite struct DecodingProductTests {
  /// A memory with w `[K, N]` and its transposed as parameters, and places for rows.
  struct Setup {
    let memory: Memory
    let w: Slot, transposed: Slot, bias: Slot
    let x: Slot, y: Slot, inputs: Slot
    let weights: [[Double]], rows: [[Double]]

    init(_ rows: Int, _ inputs: Int, _ outputs: Int, threads: Int = 1, _ set: InstructionSet) throws {
      let stream = RandomStream(seed: 3, .dropout, place: 9)
      w = Slot(.parameters, offset: 1, rows: inputs, columns: outputs)
      transposed = Slot(.parameters, offset: w.end + 3, rows: outputs, columns: inputs)
      bias = Slot(.parameters, offset: transposed.end, rows: 1, columns: outputs)
      var plan = MemoryPlan()
      x = plan.take(rows, inputs)
      y = plan.take(rows, outputs)
      self.inputs = plan.take(rows, Memory.decodingInputs(inputs))
      memory = Memory(
        plan, ParameterStorage(count: bias.end), on: Processor(WorkerPool(threads: threads), try #require(set.kernels)))
      func number(_ index: Int) -> Float { Float(stream.uniform(index) * 2 - 1) }
      let values = (0..<inputs * outputs).map { number($0) }
      memory.write(w, values)
      memory.write(
        transposed, (0..<inputs * outputs).map { values[$0 % inputs * outputs + $0 / inputs] })
      memory.write(bias, (0..<outputs).map { number(1_000_000 + $0) })
      let lines = (0..<rows * inputs).map { number(2_000_000 + $0) }
      memory.write(x, lines)
      weights = (0..<inputs).map { k in (0..<outputs).map { Double(values[k * outputs + $0]) } }
      self.rows = (0..<rows).map { r in (0..<inputs).map { Double(lines[r * inputs + $0]) } }
    }

    func pack(_ type: NumberFormat) -> DecodingWeights {
      DecodingWeights(
        [w.plain, transposed.transposed], as: type, on: Processor(memory.pool, memory.kernels),
        stored: { slot in StoredMatrix(slot, of: memory.parameters) })
    }

    func product(_ operand: Operand, _ weights: DecodingWeights, _ epilogue: DecodingEpilogue = .init()) -> [Float] {
      memory.decodingProduct(y, x, operand, weights, then: epilogue, inputs: inputs)
      return memory.read(y)
    }

    var reference: [Double] {
      rows.flatMap { row in
        weights[0].indices.map { j in row.indices.reduce(0) { $0 + row[$1] * weights[$1][j] } }
      }
    }
  }

  static func limit(_ type: NumberFormat) -> Double {
    switch type {
    case .fp32: 1e-6
    case .f16: 5e-4
    case .bf16: 5e-3
    case .int8: 1.5e-2
    case .int4: 0.12
    }
  }

  /// Over lengths around the vectors, panels and blocks, and of several pieces that are packed one by one; w as it is and
  /// transposed.
  @Test(arguments: InstructionSet.available)
  func productsAreThoseInDoublePrecision(set: InstructionSet) throws {
    for (rows, inputs, outputs) in [
      (1, 1, 1), (1, 63, 31), (2, 64, 32), (3, 65, 33), (4, 130, 127), (5, 17, 128), (6, 9, 129), (7, 192, 257),
      (8, 100, 96), (12, 33, 64), (13, 128, 70), (30, 40, 50), (1, 7, 300), (2, 8, 97), (2, 130, 4200),
    ] {
      let setup = try Setup(rows, inputs, outputs, set), expected = setup.reference
      for type in NumberFormat.allCases {
        for weights in [setup.pack(type)] + (type == .fp32 ? [.inPlace] : []) {
          for operand in [setup.w.plain, setup.transposed.transposed] {
            let found = difference(setup.product(operand, weights), expected)
            #expect(found < Self.limit(type), "\(set) \(type) [\(rows), \(inputs)] [\(inputs), \(outputs)]: \(found)")
          }
        }
      }
    }
  }

  /// Against the product with the very numbers that int4 stands for: what is left is the rounding of the inputs.
  @Test(arguments: InstructionSet.available) func fourBitsAreReadAsTheyAreWritten(set: InstructionSet) throws {
    for (rows, inputs, outputs) in [(1, 64, 32), (1, 200, 300), (2, 31, 70), (5, 130, 97)] {
      let setup = try Setup(rows, inputs, outputs, set)
      var rounded = setup.weights
      for j in 0..<outputs {
        for first in stride(from: 0, to: inputs, by: Int4Rounding.group) {
          var group = SIMD32<Float>()
          for k in first..<min(inputs, first + 32) { group[k - first] = Float(setup.weights[k][j]) }
          let (scale, levels) = Int4Rounding.levels(group)
          for k in first..<min(inputs, first + 32) {
            rounded[k][j] = (Double(levels[k - first]) - 8) * Double(ShortFloat.float(f16: scale))
          }
        }
      }
      let expected = setup.rows.flatMap { row in
        (0..<outputs).map { j in row.indices.reduce(0) { $0 + row[$1] * rounded[$1][j] } }
      }
      for operand in [setup.w.plain, setup.transposed.transposed] {
        #expect(
          difference(setup.product(operand, setup.pack(.int4)), expected) < 1.5e-2, "[\(rows), \(inputs), \(outputs)]")
      }
    }
  }

  /// ‖a - b‖ / ‖b‖
  func difference(_ a: [Float], _ b: [Double]) -> Double {
    var above = 0.0, below = 0.0
    for (x, y) in zip(a, b) {
      above += (Double(x) - y) * (Double(x) - y)
      below += y * y
    }
    return (above / below).squareRoot()
  }

  /// A row alone, among others, and on any number of threads.
  @Test(arguments: InstructionSet.available) func rowsAreIndependent(set: InstructionSet) throws {
    let many = try Setup(13, 200, 333, threads: 3, set), one = try Setup(1, 200, 333, set)
    for type in NumberFormat.allCases {
      for (a, b) in [(many.w.plain, one.w.plain), (many.transposed.transposed, one.transposed.transposed)] {
        for isPacked in type == .fp32 ? [true, false] : [true] {
          let all = many.product(a, isPacked ? many.pack(type) : .inPlace)
          let weights = isPacked ? one.pack(type) : .inPlace
          for row in 0..<13 {
            one.memory.write(one.x, many.rows[row].map { Float($0) })
            #expect(one.product(b, weights) == Array(all[row * 333..<(row + 1) * 333]), "\(type), row \(row)")
          }
        }
      }
    }
  }

  /// In fp32 both go down a column of w in one chain, so that packing changes no bit.
  @Test(arguments: InstructionSet.available) func packingKeepsTheBits(set: InstructionSet) throws {
    let setup = try Setup(5, 130, 97, set)
    #expect(setup.product(setup.w.plain, setup.pack(.fp32)) == setup.product(setup.w.plain, .inPlace))
  }

  @Test(arguments: InstructionSet.available) func epilogues(set: InstructionSet) throws {
    let setup = try Setup(3, 40, 50, set)
    for type in NumberFormat.allCases {
      let weights = setup.pack(type), plain = setup.product(setup.w.plain, weights)
      let bias = setup.memory.read(setup.bias)
      let biased = plain.indices.map { plain[$0] + bias[$0 % 50] }
      #expect(setup.product(setup.w.plain, weights, DecodingEpilogue(bias: setup.bias)) == biased)
      #expect(
        setup.product(setup.w.plain, weights, DecodingEpilogue(bias: setup.bias, activation: .relu))
          == biased.map { max($0, 0) })
      setup.memory.fill(setup.y, 2)
      #expect(
        setup.product(setup.w.plain, weights, DecodingEpilogue(bias: setup.bias, adds: true)) == biased.map { 2 + $0 })
    }
  }

  /// All instruction sets count int8 in whole numbers: only the last sums of floats may differ.
  @Test func zerosStayZeros() throws {
    for set in InstructionSet.available {
      let setup = try Setup(2, 70, 40, set)
      setup.memory.fill(setup.x, 0)
      for type in NumberFormat.allCases {
        #expect(setup.product(setup.w.plain, setup.pack(type)).allSatisfy { $0 == 0 })
      }
    }
  }
}
