import Foundation
import MiniGPTCheckpoints
import MiniGPTParallel
import MiniGPTTensors
import MiniGPTTestSupport
import MiniGPTTraining
import MiniGPTTransformer
import Testing

@Suite struct MuonTests {
  /// What torch.optim.Muon makes of some matrices: `Scripts/make_muon_fixtures.py`.
  struct Torch: Decodable {
    let rate, decay, momentum: Double
    let cases: [Case]

    struct Case: Decodable {
      let rows, columns: Int
      let start: [Float], gradients: [[Float]]
      /// Orthogonalized in bfloat16, as torch does, and in double precision.
      let rounded, exact: [Double]
    }
  }

  /// Relative to the norm: as near as single precision to torch's formula, and to torch itself as bfloat16 allows.
  @Test(arguments: InstructionSet.available) func isTorchs(set: InstructionSet) throws {
    let torch = try JSONDecoder().decode(Torch.self, from: Fixtures.data("muon.json"))
    #expect(torch.cases.count == 4)
    for matrix in torch.cases {
      var configuration = TrainingConfiguration()
      configuration.optimizer = .muon
      configuration.muonSeries = .fixed
      configuration.muonMomentum = torch.momentum
      configuration.muonMomentumWarmup = 0
      configuration.learningRate = torch.rate
      configuration.weightDecay = torch.decay
      let run = try Steps(configuration, set) { $0.matrix("w", matrix.rows, matrix.columns, start: .zeros) }
      run.memory.write(run.slots[0], matrix.start)
      for gradient in matrix.gradients { run.step([gradient], rate: torch.rate) }
      let found = run.memory.read(run.slots[0]).map(Double.init)
      #expect(distance(found, matrix.exact) < 2e-6, "[\(matrix.rows), \(matrix.columns)]")
      #expect(distance(found, matrix.rounded) < 5e-3, "[\(matrix.rows), \(matrix.columns)]")
    }
  }

  /// An optimizer of some parameters.
  final class Steps {
    let slots: [Slot]
    let optimizer: Optimizer
    let memory: Memory
    private var done = 0

    init(_ configuration: TrainingConfiguration, _ set: InstructionSet, _ make: (inout ParameterLayout) -> Slot...)
      throws
    {
      var layout = ParameterLayout()
      slots = make.map { $0(&layout) }
      var plan = MemoryPlan(trains: true)
      optimizer = Optimizer(configuration, layout, in: &plan)
      memory = Memory(
        plan, ParameterStorage(count: layout.count),
        on: Processor(WorkerPool(threads: 2), try #require(set.kernels)))
    }

    func step(_ gradients: [[Float]], rate: Double, scale: Double = 1) {
      for (slot, gradient) in zip(slots, gradients) { memory.write(slot.at(.gradients), gradient) }
      optimizer.update(step: done, rate: rate, gradientScale: scale, in: memory)
      done += 1
    }
  }

  private static func numbers(_ count: Int, _ seed: Int) -> [Float] {
    let stream = RandomStream(seed: UInt64(seed), .dropout)
    return (0..<count).map { Float(stream.uniform($0) - 0.5) }
  }

  /// Heads that lie side by side are updated as if each stood alone, and AdamW has what is no matrix.
  @Test func partsAreMatricesOfTheirOwn() throws {
    var configuration = TrainingConfiguration()
    configuration.optimizer = .muon
    let joined = try Steps(
      configuration, .best, { $0.matrix("heads", 10, 12, parts: 3, start: .zeros) }, { $0.gain("gain", 5) },
      { $0.table("table", 7, 4, outputs: 7, start: .zeros) })
    let apart = try Steps(
      configuration, .best, { $0.matrix("a", 10, 4, start: .zeros) }, { $0.matrix("b", 10, 4, start: .zeros) },
      { $0.matrix("c", 10, 4, start: .zeros) })
    #expect(
      joined.optimizer.state.map(\.name) == [
        "optimizer.m.gain", "optimizer.m.table", "optimizer.v.gain", "optimizer.v.table", "optimizer.momentum.heads",
      ])
    for step in 0..<3 {
      let gradient = Self.numbers(120, step)
      joined.step([gradient, Self.numbers(5, step), Self.numbers(28, step)], rate: 0.01)
      apart.step(
        (0..<3).map { part in (0..<40).map { gradient[$0 / 4 * 12 + part * 4 + $0 % 4] } }, rate: 0.01)
    }
    for part in 0..<3 {
      #expect(
        joined.memory.read(joined.slots[0].columns(4 * part..<4 * part + 4)) == apart.memory.read(apart.slots[part]))
    }
  }

  /// Each kind of parameter has the rate and the decay that it was given, and all fall together.
  @Test func ratesAndDecays() throws {
    var configuration = TrainingConfiguration()
    configuration.optimizer = .muon
    (configuration.learningRate, configuration.muonRate) = (0.1, 0.02)
    (configuration.embeddingRate, configuration.outputRate) = (0.3, 0.04)
    (configuration.weightDecay, configuration.muonDecay) = (0.5, 2)
    configuration.decaySchedule = .rate
    let run = try Steps(
      configuration, .best, { $0.matrix("matrix", 3, 3, start: .zeros) }, { $0.gain("gain", 3) },
      { $0.table("embedding", 3, 3, start: .zeros) }, { $0.table("output", 3, 3, outputs: 3, start: .zeros) })
    for slot in run.slots { run.memory.fill(slot, 1) }
    // Without a gradient there is decay alone.
    var expected = [1.0, 1, 1, 1]
    for step in 0..<4 {
      let part = 1 - Double(step) / 4
      run.step(run.slots.map { [Float](repeating: 0, count: $0.count) }, rate: 0.1 * part)
      expected[0] *= 1 - 0.02 * part * 2 * part
      expected[2] *= 1 - 0.3 * part * 0.5 * part
      expected[3] *= 1 - 0.04 * part * 0.5 * part
      for (slot, value) in zip(run.slots, expected) {
        #expect(run.memory.read(slot).allSatisfy { abs(Double($0) - value) < 1e-6 }, "\(slot) after step \(step)")
      }
    }
    // AdamW's first step is as long as its rate, whatever the gradient.
    let fresh = try Steps(
      configuration, .best, { $0.matrix("matrix", 3, 3, start: .zeros) }, { $0.gain("gain", 3) },
      { $0.table("embedding", 3, 3, start: .zeros) }, { $0.table("output", 3, 3, outputs: 3, start: .zeros) })
    fresh.step(fresh.slots.map { [Float](repeating: 7, count: $0.count) }, rate: 0.05)
    for (slot, rate) in zip(fresh.slots.dropFirst(), [0.05, 0.15, 0.02]) {
      #expect(fresh.memory.read(slot).allSatisfy { abs(Double($0) + rate) < 1e-6 }, "\(slot)")
    }
  }

  /// Cautious decay falls where the update goes towards zero too.
  @Test(arguments: InstructionSet.available) func cautiousDecayOfAdamW(set: InstructionSet) throws {
    var configuration = TrainingConfiguration()
    (configuration.isCautious, configuration.weightDecay, configuration.learningRate) = (true, 0.5, 0.1)
    let run = try Steps(configuration, set, { $0.matrix("w", 1, 4, start: .zeros) })
    run.memory.write(run.slots[0], [1, 1, -1, -1])
    run.step([[2, -2, 2, -2]], rate: 0.1)
    let found = run.memory.read(run.slots[0])
    for (value, expected) in zip(found, [0.95 - 0.1, 1 + 0.1, -1 - 0.1, -0.95 + 0.1] as [Float]) {
      #expect(abs(value - expected) < 1e-6, "\(found)")
    }
  }

  @Test func momentumWarmsUp() throws {
    var configuration = TrainingConfiguration()
    (configuration.muonMomentumStart, configuration.muonMomentum, configuration.muonMomentumWarmup) = (0.5, 0.9, 4)
    var plan = MemoryPlan()
    let muon = Muon(configuration, [], in: &plan)
    for (step, momentum) in [(0, 0.5), (1, 0.6), (3, 0.8), (4, 0.9), (100, 0.9)] {
      #expect(abs(muon.momentum(at: step) - momentum) < 1e-12)
    }
  }
}
