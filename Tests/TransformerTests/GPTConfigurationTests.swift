import MiniGPTTensors
import Testing
import MiniGPTTransformer

@Suite struct GPTConfigurationTests {
  static let small = GPTConfiguration(vocabularySize: 65, context: 32, layers: 2, heads: 4, width: 64)
  static let gpt2 = GPTConfiguration(vocabularySize: 50257, context: 1024, layers: 12, heads: 12, width: 768)

  @Test func sensibleShapesPass() throws {
    try Self.small.validate()
    try Self.gpt2.validate()
    // The smallest there is: everything 1, but two tokens to choose from.
    try GPTConfiguration(
      vocabularySize: 2, context: 1, layers: 1, heads: 1, width: 1, feedForwardWidth: 1
    ).validate()
  }

  @Test func feedForwardIsFourTimesAsWide() {
    #expect(Self.small.feedForwardWidth == 256)
    #expect(GPTConfiguration(vocabularySize: 2, context: 1, layers: 1, heads: 1, width: -7).feedForwardWidth == 0)
    // Sizes from outside may be anything; none of them ends the program.
    #expect(GPTConfiguration(vocabularySize: 2, context: 1, layers: 1, heads: 1, width: .max).feedForwardWidth > 0)
  }

  /// Every size below the least, at both edges, and far beyond the most.
  @Test(
    arguments: [
      ("vocabulary", \GPTConfiguration.vocabularySize, 2, 1 << 24), ("context", \.context, 1, 1 << 20),
      ("layers", \.layers, 1, 1 << 10), ("heads", \.heads, 1, 1 << 10), ("embd", \.width, 1, 1 << 16),
      ("ffn", \.feedForwardWidth, 1, 1 << 18),
    ] as [(String, any WritableKeyPath<GPTConfiguration, Int> & Sendable, Int, Int)])
  func badSizesAreNamed(
    name: String, size: any WritableKeyPath<GPTConfiguration, Int> & Sendable, least: Int, most: Int
  ) {
    for value in [Int.min, -1, 0, least - 1, most + 1, 1_000_000_000_000, Int.max] {
      var configuration = Self.small
      configuration[keyPath: size] = value
      #expect(throws: ModelShapeError.outOfRange(name: name, value: value, least: least, most: most)) {
        try configuration.validate()
      }
    }
    for value in [least, most] {
      var configuration = Self.small
      configuration[keyPath: size] = value
      do throws(ModelShapeError) {
        try configuration.validate()
      } catch {
        if case .outOfRange = error { Issue.record("\(name) may be \(value): \(error)") }
      }
    }
  }

  /// Nothing is built before the sizes are known to be possible.
  @Test func aBillionTimesAThousandLayersCostNothing() {
    var configuration = Self.small
    configuration.layers = 1_000_000_000_000
    let time = ContinuousClock().measure {
      for _ in 0..<1000 { #expect(throws: ModelShapeError.self) { try configuration.validate() } }
    }
    #expect(time < .seconds(1))
  }

  @Test func headsMustDivideTheWidth() {
    var configuration = Self.small
    configuration.heads = 5
    #expect(throws: ModelShapeError.headsDoNotDivideWidth(heads: 5, width: 64)) { try configuration.validate() }
    configuration.heads = 128
    #expect(throws: ModelShapeError.headsDoNotDivideWidth(heads: 128, width: 64)) { try configuration.validate() }
  }

  @Test func sinusoidsComeInPairs() throws {
    var configuration = GPTConfiguration(
      vocabularySize: 9, context: 8, layers: 1, heads: 3, width: 27, positions: .sinusoidal)
    #expect(throws: ModelShapeError.inconsistent("sinusoidal positions need an even width, not 27")) {
      try configuration.validate()
    }
    for positions in [Positions.learned, .none] {
      configuration.positions = positions
      try configuration.validate()
    }
  }

  /// Each size is possible, all of them together are not; the count does not overflow.
  @Test func tooManyParametersAreRefused() {
    let most = GPTConfiguration(
      vocabularySize: 1 << 24, context: 1 << 20, layers: 1 << 10, heads: 1 << 10, width: 1 << 16,
      feedForwardWidth: 1 << 18)
    #expect(throws: ModelShapeError.tooManyParameters(most.parameterCount)) { try most.validate() }
    #expect(most.parameterCount > 1 << 45)
  }

  @Test(arguments: [
    (
      ModelShapeError.outOfRange(name: "layers", value: 0, least: 1, most: 1024),
      "impossible size: layers is 0, but must lie between 1 and 1024"
    ),
    (.headsDoNotDivideWidth(heads: 5, width: 64), "impossible size: 5 heads do not divide the width 64 evenly"),
    (
      .inconsistent("sinusoidal positions need an even width, not 27"),
      "impossible size: sinusoidal positions need an even width, not 27"
    ),
    (.tooManyParameters(99), "impossible size: 99 parameters"),
  ]) func errorsSayWhatIsWrong(error: ModelShapeError, text: String) {
    #expect("\(error)" == text)
  }

  @Test func parameterCountIsThatOfTheLayout() {
    for configuration in CausalityTests.variants + [Self.small] {
      #expect(GPT(configuration).layout.count == configuration.parameterCount, "\(configuration)")
    }
  }

  @Test func gpt2SmallHas124Million() {
    #expect(Self.gpt2.parameterCount == 124_439_808)
    #expect(GPT(Self.gpt2).layout.count == 124_439_808)
  }
}
