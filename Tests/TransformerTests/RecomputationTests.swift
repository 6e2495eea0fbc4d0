import MiniGPTTensors
import MiniGPTTestSupport
import Testing
import MiniGPTTransformer

/// Blocks that are computed again on the way back instead of being kept: less memory, not another bit.
@Suite struct RecomputationTests {
  private let context = DropoutStep(seed: 3, step: 11, firstSample: 5, rate: 0.2)

  static let texts =
    NormPlacement.allCases.map {
      GPTConfiguration(
        vocabularySize: 31, context: 20, layers: 4, heads: 2, width: 24, feedForwardWidth: 50, norm: $0)
    } + BlockVariant.all.map { $0.text(vocabularySize: 31, context: 20, layers: 4) }

  @Test(arguments: texts) func aGPTsGradientsKeepTheirBits(configuration: GPTConfiguration) throws {
    let kept = try GPTRun(configuration, batch: 2, length: 20)
    let made = try GPTRun(configuration, batch: 2, length: 20, .trainingRecomputed)
    // Twice, so that a step finds nothing of the one before.
    for seed in [1, 5] {
      let ids = someIds(40, 31, seed), targets = someIds(40, 31, seed + 1)
      kept.write(ids: ids, targets: targets)
      made.write(ids: ids, targets: targets)
      #expect(kept.lossAndGradients(context) == made.lossAndGradients(context))
      for parameter in kept.gpt.layout.parameters {
        #expect(bits(kept.gradient(parameter)) == bits(made.gradient(parameter)), "\(parameter.name)")
      }
    }
    // What a layer keeps beside its input: query, key and value, heads, sums and the hidden rows.
    let width = configuration.attention.width + configuration.attention.queryWidth + configuration.feedForwardWidth
    #expect(kept.floats - made.floats > 3 * 40 * width)
  }

  static let translators =
    NormPlacement.allCases.map {
      TranslatorConfiguration(
        vocabularySize: 31, context: 20, encoderLayers: 3, decoderLayers: 2, heads: 2, width: 24, norm: $0)
    } + BlockVariant.all.map { $0.translator(vocabularySize: 31, context: 20, encoder: 3, decoder: 2) }

  @Test(arguments: translators) func aTranslatorsGradientsKeepTheirBits(configuration: TranslatorConfiguration) throws {
    let kept = try TranslatorRun(configuration), made = try TranslatorRun(configuration, .trainingRecomputed)
    for seed in [1, 7] {
      let pairs = somePairs([(5, 7), (9, 3), (2, 11)], configuration, seed)
      #expect(
        kept.lossAndGradients(pairs, smoothing: 0.1, context) == made.lossAndGradients(pairs, smoothing: 0.1, context))
      for parameter in kept.model.layout.parameters {
        #expect(bits(kept.gradient(parameter)) == bits(made.gradient(parameter)), "\(parameter.name)")
      }
    }
    #expect(kept.floats > made.floats)
  }

  @Test func oneBlockIsAsItWas() throws {
    let configuration = GPTConfiguration(vocabularySize: 31, context: 20, layers: 1, heads: 2, width: 24)
    func floats(_ purpose: Purpose) throws -> Int {
      try GPTRun(configuration, batch: 1, length: 20, purpose).floats
    }
    #expect(try floats(.trainingRecomputed) == floats(.training))
  }
}
