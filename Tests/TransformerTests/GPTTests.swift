import MiniGPTTensors
import MiniGPTTestSupport
import Testing
import MiniGPTTransformer

/// The whole model against PyTorch and transformers, on every instruction set.
@Suite struct GPTTests {
  /// The errors allowed. Seen: 6·10⁻⁷, 2·10⁻⁷ and 1.8·10⁻⁶, and PyTorch's own single precision lies up to 1.8·10⁻⁶ from
  /// its double precision.
  static let logitsTolerance = 1.5e-6, lossTolerance = 5e-7, gradientTolerance = 4e-6

  static let cases = Result { try Fixtures.parity() + Fixtures.today() }

  @Test(arguments: InstructionSet.available) func logitsLossAndGradientsAreTorchs(set: InstructionSet) throws {
    let cases = try Self.cases.get()
    #expect(cases.count == 13)
    for parity in cases {
      let configuration = parity.configuration
      let run = try GPTRun(configuration, batch: parity.batch, length: configuration.context, set: set)
      for parameter in run.gpt.layout.parameters {
        run.memory.write(parameter.slot, try parity.floats("weights/" + parameter.name))
      }
      run.write(ids: try parity.integers("ids"), targets: try parity.integers("targets"))
      run.gpt.forward(run.batch, run.activations, dropout: nil, in: run.memory)
      let logits = distance(run.logits(), try parity.floats("logits"))
      #expect(logits < Self.logitsTolerance, "logits of \(parity), \(set)")

      let expected = Double(try parity.floats("loss")[0]), loss = run.lossAndGradients()
      let lossError = abs(loss - expected) / expected
      #expect(lossError < Self.lossTolerance, "loss of \(parity), \(set)")
      try compareGradients(run, parity, set)
    }
  }

  /// The slow model in double precision, which tests of single layers lean on, against the same numbers.
  @Test func theReferenceIsTorchs() throws {
    for parity in try Self.cases.get() {
      let configuration = parity.configuration, gpt = GPT(configuration)
      var parameters = PlainParameters<Double>([:])
      for parameter in gpt.layout.parameters {
        parameters.matrices[parameter.name] = PlainMatrix(
          parameter.slot.rows, parameter.slot.columns, try parity.floats("weights/" + parameter.name).map(Double.init))
      }
      let hidden = GPT.reference(
        try parity.integers("ids").map(Int.init), length: configuration.context, configuration, parameters)
      let logits = OutputProjection.reference(hidden, parameters)
      let error = distance(logits.elements, try parity.floats("logits").map(Double.init))
      #expect(error < Self.logitsTolerance, "logits of \(parity)")

      let losses = try parity.integers("targets").enumerated().map { row, target in
        Double.log(logits.row(row).map(Double.exp).reduce(0, +)) - logits[row, Int(target)]
      }
      let loss = losses.reduce(0, +) / Double(losses.count), expected = Double(try parity.floats("loss")[0])
      #expect(abs(loss - expected) / expected < Self.lossTolerance, "loss of \(parity)")
    }
  }

  private func compareGradients(_ run: GPTRun, _ parity: ParityCase, _ set: InstructionSet) throws {
    let parameters = run.gpt.layout.parameters, width = parity.configuration.width
    let all = norm(try parameters.flatMap { try parity.floats("gradients/" + $0.name).map(Double.init) })
    for parameter in parameters {
      var found = run.gradient(parameter), expected = try parity.floats("gradients/" + parameter.name)
      if parameter.name.hasSuffix("queryKeyValue.bias") {
        // The softmax does not see the bias of the keys: its gradient is zero in mathematics and noise in practice.
        let noise = norm(found[width..<2 * width].map(Double.init))
        #expect(noise < 1e-6 * all, "bias of the keys, \(parameter.name) of \(parity), \(set)")
        found.removeSubrange(width..<2 * width)
        expected.removeSubrange(width..<2 * width)
      }
      let error = distance(found, expected, all: all)
      #expect(error < Self.gradientTolerance, "\(parameter.name) of \(parity), \(set)")
    }
  }
}
