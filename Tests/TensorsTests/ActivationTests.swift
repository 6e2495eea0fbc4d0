import Foundation
import MiniGPTTensors
import Testing

@Suite struct ActivationTests {
  /// The tails, the bend and its neighbourhood, ordinary values.
  static let points: [Float] =
    (-1000...1000).map { Float($0) / 10 } + (-800...800).map { Float($0) / 100 }
    + [0, -0.0, 1e-10, -1e-10, 1e-38, -1e-38, 1e-3, -1e-3]

  static func gelu(_ x: Double) -> Double {
    0.5 * x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
  }

  /// By the sigmoid, which does not cancel where tanh is near -1.
  static func sigmoid(_ x: Double) -> Double {
    1 / (1 + exp(-2 * (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
  }

  static func slope(_ x: Double) -> Double {
    let s = sigmoid(x)
    return s + x * s * (1 - s) * 2 * (2 / Double.pi).squareRoot() * (1 + 3 * 0.044715 * x * x)
  }

  static func definition(_ activation: Activation, _ x: Double) -> (value: Double, slope: Double) {
    switch activation {
    case .gelu: (x * sigmoid(x), slope(x))
    case .relu: (max(x, 0), x > 0 ? 1 : 0)
    case .relu2: (max(x, 0) * max(x, 0), 2 * max(x, 0))
    case .silu: (x / (1 + exp(-x)), (1 + x / (1 + exp(x))) / (1 + exp(-x)))
    }
  }

  /// activation(x), and dy · activation'(x) by way of a product with 1.
  static func run(_ set: InstructionSet, _ activation: Activation, _ x: [Float], _ dy: [Float]) throws
    -> (y: [Float], dx: [Float])
  {
    let field = try Field(set, floats: 8 * x.count + 100), n = x.count
    let xs = field.place(1, n, x), ys = field.place(1, n, numbers(n, 1)), dys = field.place(1, n, dy)
    let dx = field.place(1, n, numbers(n, 2)), one = field.place(1, 1, [1])
    field.memory.activate(ys, xs, activation)
    field.memory.product(dx, one.plain, dys.plain, then: .activationBackward(activation, at: xs))
    #expect(field.changedOnly(ys, dx), "\(activation) of \(n)")
    return (field.memory.read(ys), field.memory.read(dx))
  }

  @Test func theTwoFormsOfTheReferenceAgree() {
    for x in Self.points.map(Double.init) where abs(x) < 30 {
      #expect(abs(Self.gelu(x) - x * Self.sigmoid(x)) < 1e-14 * max(1, abs(x)))
      let difference = (Self.gelu(x + 1e-6) - Self.gelu(x - 1e-6)) / 2e-6
      #expect(abs(difference - Self.slope(x)) < 1e-8 * max(1, abs(x)))
    }
  }

  /// Relative error of gelu: below 10⁻⁶ from -3 on, below 2·10⁻⁵ as long as it is above 10⁻³⁵; its absolute error is
  /// below 10⁻⁶ of max(1, |x|) everywhere. Its slope crosses zero and has a 1 - s that cancels: absolute, below 2·10⁻⁶.
  @Test(arguments: InstructionSet.available) func geluEqualsTheDefinition(set: InstructionSet) throws {
    let ones = [Float](repeating: 1, count: Self.points.count)
    let (y, slopes) = try Self.run(set, .gelu, Self.points, ones)
    for (i, point) in Self.points.enumerated() {
      let x = Double(point), expected = x * Self.sigmoid(x), error = abs(Double(y[i]) - expected)
      #expect(error <= 1e-6 * max(1, abs(x)) && y[i].isFinite, "gelu(\(x)) = \(y[i])")
      if abs(expected) > 1e-35 {
        #expect(error <= (x > -3 ? 1e-6 : 2e-5) * abs(expected), "gelu(\(x)) = \(y[i]), not \(expected)")
      }
      #expect(abs(Double(slopes[i]) - Self.slope(x)) < 2e-6, "gelu'(\(x)) = \(slopes[i]), not \(Self.slope(x))")
    }
  }

  @Test(arguments: InstructionSet.available) func allLengths(set: InstructionSet) throws {
    for n in lengths where n > 0 {
      let x = numbers(n, n).map { $0 * 4 }, dy = numbers(n, n + 1)
      for activation in Activation.allCases {
        let (y, dx) = try Self.run(set, activation, x, dy)
        let slopes = x.doubles.map { Self.definition(activation, $0).slope }
        #expect(worstError(y, x.doubles.map { Self.definition(activation, $0).value }) < 1e-6, "\(activation) of \(n)")
        #expect(worstError(dx, zip(slopes, dy).map { $0 * Double($1) }) < 3e-6, "\(activation) of \(n)")
      }
      let relu = try Self.run(set, .relu, x, dy)
      #expect(relu.y == x.map { max($0, 0) } && relu.dx == zip(x, dy).map { $0 > 0 ? $1 : 0 }, "\(n)")
    }
  }

  /// Every activation, in the epilogues of both kinds of products too.
  @Test(arguments: InstructionSet.available, Activation.allCases)
  func epiloguesActivate(set: InstructionSet, activation: Activation) throws {
    let field = try Field(set), n = 50, x = numbers(n, 3).map { $0 * 4 }
    let one = field.place(1, 1, [1]), line = field.place(1, n, x), bias = field.place(1, n, numbers(n, 4))
    let before = field.place(1, n, numbers(n, 5)), after = field.place(1, n, numbers(n, 6))
    field.memory.product(before, one.plain, line.plain, then: .activation(activation, bias: bias, into: after))
    let expected = field.memory.read(before).doubles.map { Self.definition(activation, $0).value }
    #expect(worstError(field.memory.read(after), expected) < 1e-6)
    let decoded = field.place(1, n, numbers(n, 7)),
      inputs = field.place(1, Memory.decodingInputs(1), seed: 8, contiguous: true)
    field.memory.decodingProduct(
      decoded, one, line.plain, .inPlace, then: DecodingEpilogue(bias: bias, activation: activation), inputs: inputs)
    #expect(worstError(field.memory.read(decoded), expected) < 1e-6)
  }

  /// activation(x) ⊙ factor, its way back, and both as epilogues.
  @Test(arguments: InstructionSet.available, Activation.allCases)
  func gatesEqualTheDefinition(set: InstructionSet, activation: Activation) throws {
    for n in lengths where n > 0 {
      let field = try Field(set, floats: 1 << 18), rows = 3
      let xs = field.place(rows, n, numbers(rows * n, n).map { $0 * 4 }), factor = field.place(rows, n, seed: n + 1)
      let dy = field.place(rows, n, seed: n + 2), y = field.place(rows, n, seed: 3)
      let one = field.place(rows, 1, [1, 1, 1]), kept = field.place(rows, n, seed: 4)
      let dx = field.place(rows, n, seed: 5), dfactor = field.place(rows, n, seed: 6)
      field.memory.gate(y, xs, times: factor, activation)
      let exact = field.memory.read(xs).doubles.map { Self.definition(activation, $0) }
      let factors = field.memory.read(factor).doubles, dys = field.memory.read(dy).doubles
      #expect(worstError(field.memory.read(y), zip(exact, factors).map { $0.value * $1 }) < 2e-6, "\(n)")
      #expect(field.changedOnly(y), "\(n)")
      // The products 1 · x and 1 · dy, row by row.
      for r in 0..<rows {
        field.memory.product(
          kept.rows(r..<r + 1), one.first(1).plain, xs.rows(r..<r + 1).plain,
          then: .gate(activation, bias: nil, times: factor.rows(r..<r + 1), into: y.rows(r..<r + 1)))
        field.memory.product(
          dx.rows(r..<r + 1), one.first(1).plain, dy.rows(r..<r + 1).plain,
          then: .gateBackward(
            activation, at: xs.rows(r..<r + 1), times: factor.rows(r..<r + 1), gradient: dfactor.rows(r..<r + 1)))
      }
      #expect(field.memory.read(kept) == field.memory.read(xs))
      #expect(worstError(field.memory.read(y), zip(exact, factors).map { $0.value * $1 }) < 2e-6, "\(n)")
      let slopes = (0..<rows * n).map { exact[$0].slope * factors[$0] * dys[$0] }
      #expect(worstError(field.memory.read(dx), slopes) < 5e-6, "\(activation) of \(n)")
      #expect(worstError(field.memory.read(dfactor), zip(exact, dys).map { $0.value * $1 }) < 2e-6, "\(n)")
    }
  }

  /// A broken number is not hidden: it must reach the loss, which stops the training.
  @Test(arguments: InstructionSet.available) func brokenNumbersStayBroken(set: InstructionSet) throws {
    let x = [Float](repeating: .nan, count: 33) + [.infinity, -.infinity, 1e30, -1e30, 1e13, -1e13]
    let ones = [Float](repeating: 1, count: x.count)
    for activation in Activation.allCases {
      let (y, slopes) = try Self.run(set, activation, x, ones)
      #expect(Array(y[0..<33]).areAllNaN, "\(activation)")
      let (most, more, slope): (Float, Float, Float) =
        activation == .relu2 ? (.infinity, 1e13 * 1e13, 2e13) : (1e30, 1e13, 1)
      #expect(y[33] == .infinity && y[35] == most && y[37] == more, "\(activation)")
      #expect(!(y[34] > 0) && abs(y[36]) == 0 && abs(y[38]) == 0, "\(activation): \(y[34]) \(y[36]) \(y[38])")
      #expect(slopes[37] == slope && slopes[38] == 0, "\(activation): \(slopes[37]) \(slopes[38])")
    }
    #expect(Array(try Self.run(set, .gelu, x, ones).dx[0..<33]).areAllNaN)
  }
}
