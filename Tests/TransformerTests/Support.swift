import MiniGPTParallel
import MiniGPTTensors
import MiniGPTTestSupport
import Testing
import MiniGPTTransformer

/// Numbers that look random and repeat from run to run.
func numbers(_ count: Int, _ seed: Int, scale: Double = 1) -> [Float] {
  let stream = RandomStream(seed: UInt64(seed), .dropout, place: 7)
  return (0..<count).map { Float((stream.uniform($0) * 2 - 1) * scale) }
}

func plain(_ slot: Slot, in memory: Memory) -> PlainMatrix<Double> {
  PlainMatrix(slot.rows, slot.columns, memory.read(slot).map(Double.init))
}

/// A memory for `layout` and a plan, with weights that are nowhere trivial.
func makeMemory(
  _ layout: ParameterLayout, _ plan: MemoryPlan, threads: Int = 2, set: InstructionSet = .best,
  precision: Precision = .fp32
) throws -> Memory {
  var plan = plan
  plan.train()
  plan.needScratch(1 << 16)
  let memory = Memory(
    plan, ParameterStorage(count: layout.count),
    on: Processor(WorkerPool(threads: threads), try #require(set.kernels), precision))
  for (index, parameter) in layout.parameters.enumerated() {
    memory.write(
      parameter.slot,
      numbers(parameter.slot.count, 100 + index, scale: 0.5).map { parameter.start == .ones ? 1 + $0 : $0 })
  }
  return memory
}

/// Central differences of Σ weight · f in double precision.
///
/// `f` takes the parameters and the input; the result has the derivative by every element of each.
func differences(
  _ parameters: PlainParameters<Double>, _ x: PlainMatrix<Double>, weight: [Double],
  _ f: (PlainParameters<Double>, PlainMatrix<Double>) -> PlainMatrix<Double>
) -> (parameters: [String: [Double]], input: [Double]) {
  let step = 1e-5
  func value(_ parameters: PlainParameters<Double>, _ x: PlainMatrix<Double>) -> Double {
    zip(f(parameters, x).elements, weight).map { $0 * $1 }.reduce(0, +)
  }
  var result: [String: [Double]] = [:]
  for (name, matrix) in parameters.matrices {
    result[name] = matrix.elements.indices.map { i in
      var up = parameters, down = parameters
      up.matrices[name]?.elements[i] += step
      down.matrices[name]?.elements[i] -= step
      return (value(up, x) - value(down, x)) / (2 * step)
    }
  }
  let input = x.elements.indices.map { i in
    var up = x, down = x
    up.elements[i] += step
    down.elements[i] -= step
    return (value(parameters, up) - value(parameters, down)) / (2 * step)
  }
  return (result, input)
}

/// The error allowed between our gradients in single precision and differences in double precision.
let gradientTolerance = 2e-5

func expectGradients(
  _ layout: ParameterLayout, in memory: Memory, equal expected: [String: [Double]], _ comment: String,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let all = expected.values.flatMap { $0 }.map { $0 * $0 }.reduce(0, +).squareRoot()
  for parameter in layout.parameters {
    let found = memory.read(parameter.slot.at(.gradients)).map(Double.init)
    let error = distance(found, expected[parameter.name] ?? [], all: all)
    // The bias of the keys has a gradient of zero in mathematics: the softmax does not see it.
    let isKeyBias = parameter.name.hasSuffix("queryKeyValue.bias")
    #expect(
      error < (isKeyBias ? 5 : 1) * gradientTolerance, "\(comment): \(parameter.name)", sourceLocation: sourceLocation)
  }
}
