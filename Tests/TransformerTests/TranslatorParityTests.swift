import MiniGPTTensors
import MiniGPTTestSupport
import Testing
import MiniGPTTransformer

/// The translator against transformers' Marian (post-norm) and Pegasus (pre-norm), on every instruction set.
@Suite struct TranslatorParityTests {
  /// The errors allowed. PyTorch's own single precision lies up to 3·10⁻⁷, 2·10⁻⁷ and 1·10⁻⁶ from its double precision.
  static let logitsTolerance = 2e-6, lossTolerance = 5e-7, gradientTolerance = 5e-6

  static let cases = Result { try Fixtures.translators() }

  @Test(arguments: InstructionSet.available) func logitsLossAndGradientsAreTransformers(set: InstructionSet) throws {
    let cases = try Self.cases.get()
    #expect(cases.map(\.name) == ["marian", "marian-gelu", "pegasus"])
    for parity in cases {
      let run = try TranslatorRun(parity.configuration, set: set), pairs = try parity.pairs()
      for parameter in run.model.layout.parameters {
        run.memory.write(parameter.slot, try parity.floats("weights/" + parameter.name))
      }
      let logits = run.rows(pairs).flatMap { run.logits($0.hidden) }
      #expect(distance(logits, try parity.floats("logits")) < Self.logitsTolerance, "logits of \(parity), \(set)")
      for (smoothing, loss, gradients) in [
        (Float(0), "loss", "gradients/"), (0.1, "smoothLoss", "smoothGradients/"),
      ] {
        let found = run.lossAndGradients(pairs, smoothing: smoothing)
        let expected = Double(try parity.floats(loss)[0])
        #expect(abs(found - expected) < Self.lossTolerance * expected, "\(loss) of \(parity), \(set)")
        try compareGradients(run, parity, gradients, "\(set)")
      }
    }
  }

  private func compareGradients(
    _ run: TranslatorRun, _ parity: TranslatorCase, _ kind: String, _ comment: String
  ) throws {
    let parameters = run.model.layout.parameters, width = parity.configuration.width
    let all = norm(try parameters.flatMap { try parity.floats(kind + $0.name).map(Double.init) })
    for parameter in parameters {
      var found = run.gradient(parameter), expected = try parity.floats(kind + parameter.name)
      if parameter.name.hasSuffix("queryKeyValue.bias") {
        // The softmax does not see the bias of the keys: its gradient is zero in mathematics and noise in practice.
        let noise = norm(found[width..<2 * width].map(Double.init))
        #expect(noise < 1e-6 * all, "bias of the keys, \(parameter.name) of \(parity), \(comment)")
        found.removeSubrange(width..<2 * width)
        expected.removeSubrange(width..<2 * width)
      }
      let error = distance(found, expected, all: all)
      #expect(error < Self.gradientTolerance, "\(kind)\(parameter.name) of \(parity), \(comment)")
    }
  }
}
