import MiniGPTCheckpoints
import MiniGPTParallel
import MiniGPTTensors
import MiniGPTTestSupport
import Testing
import MiniGPTTraining
import MiniGPTTransformer

@Suite struct AdamWTests {
  /// The errors allowed. Seen: 2.9·10⁻⁷, 7.3·10⁻⁷ and 2.1·10⁻⁷ at most; PyTorch's own single precision lies up to
  /// 1.2·10⁻⁷, 2.2·10⁻⁷ and 2.3·10⁻⁷ from its double precision.
  static let lossTolerance = 1e-6, normTolerance = 2e-6, weightTolerance = 1e-6

  static let cases = Result { try Fixtures.parity() + Fixtures.today() }

  /// Ten steps as the fixtures' script takes them: loss, gradient norm and, where they are kept, the final weights.
  @Test(arguments: InstructionSet.available) func tenStepsAreTorchs(set: InstructionSet) throws {
    let cases = try Self.cases.get()
    var compared = 0
    for parity in cases {
      let run = try TenSteps(parity, set)
      let losses = try parity.floats("steps/loss"), norms = try parity.floats("steps/gradientNorm")
      for step in 0..<10 {
        let (loss, norm) = run.step(step)
        let lossError = abs(loss / Double(losses[step]) - 1), normError = abs(norm / Double(norms[step]) - 1)
        #expect(lossError < Self.lossTolerance, "loss of step \(step) of \(parity), \(set)")
        #expect(normError < Self.normTolerance, "norm of step \(step) of \(parity), \(set)")
      }
      for parameter in run.model.layout.parameters where parity.has("steps/weights/" + parameter.name) {
        var found = run.workspace.memory.read(parameter.slot),
          expected = try parity.floats("steps/weights/" + parameter.name)
        if parameter.name.hasSuffix("queryKeyValue.bias") {
          // The gradient of the keys' bias is noise, which AdamW makes as large as any other.
          let width = parity.configuration.width
          found.removeSubrange(width..<2 * width)
          expected.removeSubrange(width..<2 * width)
        }
        let error = distance(found, expected)
        #expect(error < Self.weightTolerance, "\(parameter.name) of \(parity), \(set)")
        compared += 1
      }
    }
    #expect(cases.count == 13 && compared > 90)
  }

  struct TenSteps {
    let parity: ParityCase
    let model: GPT
    let workspace: TrainingWorkspace<GPT>
    let batch: TextBatch
    let schedule: LearningRateSchedule
    let optimizer: Optimizer
    let ids: [Int32]
    let targets: [Int32]

    init(_ parity: ParityCase, _ set: InstructionSet) throws {
      var configuration = TrainingConfiguration()
      configuration.schedule = .constant
      configuration.warmup = 0
      self.parity = parity
      schedule = LearningRateSchedule(configuration)
      let shape = parity.configuration
      model = GPT(shape)
      let capacity = TextBatch.Capacity(windows: parity.batch, length: shape.context)
      var plan = MemoryPlan()
      optimizer = Optimizer(configuration, model.layout, in: &plan)
      workspace = TrainingWorkspace(
        model, capacity, .training, beside: plan,
        on: Processor(WorkerPool(threads: 2), try #require(set.kernels)))
      batch = workspace.places.batch(parity.batch)
      for parameter in model.layout.parameters {
        workspace.memory.write(parameter.slot, try parity.floats("weights/" + parameter.name))
      }
      ids = try parity.integers("steps/ids")
      targets = try parity.integers("steps/targets")
    }

    func step(_ step: Int) -> (loss: Double, norm: Double) {
      let rows = batch.targets.count, memory = workspace.memory
      for row in 0..<rows {
        memory.setIndex(batch.input.ids, row, ids[step * rows + row])
        memory.setIndex(batch.targets, row, targets[step * rows + row])
      }
      memory.clearGradients()
      let loss = model.addGradient(
        of: batch, workspace.activations, Objective(scale: 1 / Float(rows)), dropout: nil, in: memory)
      let norm = memory.squaredGradientNorm().squareRoot()
      optimizer.update(
        step: step, rate: schedule.rate(at: step),
        gradientScale: GradientClipping.scale(norm: norm, limit: 1), in: memory)
      return (loss / Double(rows), norm)
    }
  }

  /// The formula in double precision, element by element: decay on the matrix, none on the row.
  @Test func isTheFormula() throws {
    var configuration = TrainingConfiguration()
    configuration.weightDecay = 0.3
    configuration.beta1 = 0.8
    configuration.beta2 = 0.95
    let (beta1, beta2, rate, scale) = (0.8, 0.95, 0.01, 0.5)
    var layout = ParameterLayout()
    let matrix = layout.matrix("matrix", 3, 7, start: .zeros), row = layout.bias("row", 5)
    var plan = MemoryPlan(trains: true)
    let optimizer = AdamW(configuration, layout.parameters, in: &plan)
    #expect(
      optimizer.state.map(\.name) == [
        "optimizer.m.matrix", "optimizer.m.row", "optimizer.v.matrix", "optimizer.v.row",
      ])
    let memory = Memory(
      plan, ParameterStorage(count: layout.count),
      on: Processor(WorkerPool(threads: 1), try #require(InstructionSet.best.kernels)))
    let stream = RandomStream(seed: 2, .dropout, place: 2)
    for (slot, decay) in [(matrix, 0.3), (row, 0)] {
      memory.write(slot, (0..<slot.count).map { Float(stream.uniform($0) - 0.5) })
      let moments = optimizer.state.filter { $0.parameter.slot == slot }.map(\.slot)
      for moment in moments { memory.fill(moment, 0) }
      var w = memory.read(slot).map(Double.init)
      var m = [Double](repeating: 0, count: slot.count), v = m
      for step in 0..<5 {
        let g = (0..<slot.count).map { Float(stream.uniform($0, step: step + 1) - 0.5) }
        memory.clearGradients()
        memory.write(slot.at(.gradients), g)
        optimizer.update(
          step: step, rate: { _ in rate }, decay: configuration.weightDecay, gradientScale: scale, in: memory)
        let t = Double(step + 1)
        for i in w.indices {
          let gradient = Double(g[i]) * scale
          m[i] = beta1 * m[i] + (1 - beta1) * gradient
          v[i] = beta2 * v[i] + (1 - beta2) * gradient * gradient
          let mHat = m[i] / (1 - Double.pow(beta1, t)), vHat = v[i] / (1 - Double.pow(beta2, t))
          w[i] -= rate * decay * w[i] + rate * mHat / (vHat.squareRoot() + 1e-8)
        }
      }
      #expect(distance(memory.read(slot).map(Double.init), w) < 1e-6)
      #expect(distance(memory.read(moments[0]).map(Double.init), m) < 1e-6)
      #expect(distance(memory.read(moments[1]).map(Double.init), v) < 1e-6)
      // The other one starts anew.
      memory.fill(matrix, 0)
    }
  }
}

@Suite struct GradientClippingTests {
  @Test func shortensToTheLimit() {
    #expect(GradientClipping.scale(norm: 0.5, limit: 1) == 1)
    #expect(GradientClipping.scale(norm: 1, limit: 1) == 1)
    let scale = GradientClipping.scale(norm: 4, limit: 1)
    #expect(scale * 4 <= 1 && scale * 4 > 1 - 1e-6)
    #expect(abs(GradientClipping.scale(norm: 30, limit: 3) - 0.1) < 1e-7)
  }

  @Test func noLimitChangesNothing() {
    #expect(GradientClipping.scale(norm: 1e30, limit: 0) == 1)
    #expect(GradientClipping.scale(norm: 0, limit: 1) == 1)
  }
}
