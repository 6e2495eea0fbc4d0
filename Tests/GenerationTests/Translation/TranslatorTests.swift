import Foundation
import MiniGPTEvaluation
import MiniGPTGeneration
import MiniGPTParallel
import MiniGPTTensors
import MiniGPTTestSupport
import Testing
import MiniGPTTransformer

@Suite struct TranslatorTests {
  /// What transformers found: `Scripts/make_beam_fixtures.py`.
  struct Found: Decodable {
    struct Translation: Decodable {
      let ids: [Int32]
      let score: Double
    }
    let model: String
    let endLike: Int
    let beam: Int
    let lengthPenalty: Double
    let stopsEarly: Bool
    let sources: [[Int32]]
    let found: [[Translation]]
  }

  struct Shapes: Decodable {
    struct Shape: Decodable {
      let encoderLayers, decoderLayers, heads, width, feedForward, context, vocabulary: Int
      let norm, activation: String
    }
    let cases: [String: Shape]
  }

  struct Model {
    let model: EncoderDecoder
    let parameters: ParameterStorage

    init(_ name: String, endLike: Int) throws {
      let shapes = try JSONDecoder().decode(Shapes.self, from: Fixtures.data("translators.json"))
      let shape = try #require(shapes.cases[name])
      model = EncoderDecoder(
        TranslatorConfiguration(
          vocabularySize: shape.vocabulary, context: shape.context, encoderLayers: shape.encoderLayers,
          decoderLayers: shape.decoderLayers, heads: shape.heads, width: shape.width,
          feedForwardWidth: shape.feedForward, norm: try #require(NormPlacement(rawValue: shape.norm)),
          activation: try #require(Activation(rawValue: shape.activation))))
      let tensors = try Safetensors(Fixtures.data("translators.safetensors"))
      parameters = ParameterStorage(count: model.layout.count)
      let memory = Memory(MemoryPlan(), parameters, on: .plain())
      for parameter in model.layout.parameters {
        var values = try tensors.floats(name + "/weights/" + parameter.name)
        if parameter.name == "tokenEmbedding" {
          let width = shape.width
          for index in values.indices { values[index] *= 0.5 }
          for index in 0..<width { values[index] = 0.9 * values[endLike * width + index] }
        }
        memory.write(parameter.slot, values)
      }
    }

    func translator(
      _ configuration: BeamSearchConfiguration, batch: Int = 16, threads: Int = 1, set: InstructionSet = .best
    ) throws -> Translator {
      Translator(
        model, parameters: parameters, configuration, batch: batch,
        on: Processor(WorkerPool(threads: threads), try #require(set.kernels)))
    }
  }

  static func cases() throws -> [Found] {
    try JSONDecoder().decode([Found].self, from: Fixtures.data("beams.json"))
  }

  /// The same sequences in the same order, and scores, from the same weights.
  @Test(arguments: InstructionSet.available) func beamsAreThoseOfTransformers(set: InstructionSet) throws {
    for found in try Self.cases() {
      var configuration = BeamSearchConfiguration()
      configuration.beam = found.beam
      configuration.lengthPenalty = .power(found.lengthPenalty)
      configuration.stopsEarly = found.stopsEarly
      configuration.hypotheses = found.beam
      let model = try Model(found.model, endLike: found.endLike)
      let translations = try model.translator(configuration, set: set).translate(found.sources)
      #expect(translations.count == found.found.count)
      // A sentence without a token is not translated here.
      for (index, (mine, theirs)) in zip(translations, found.found).enumerated() where !found.sources[index].isEmpty {
        #expect(mine.map(\.ids) == theirs.map(\.ids), "\(found.model), beam \(found.beam), \(found.lengthPenalty)")
        for (a, b) in zip(mine, theirs) { #expect(abs(a.score - b.score) < 2e-5 * max(1, abs(b.score))) }
      }
    }
  }

  /// Whatever stands beside a sentence, on any number of threads, in the order of the sentences.
  @Test(arguments: InstructionSet.available) func batchedIsAlone(set: InstructionSet) throws {
    let model = try Model("pegasus", endLike: 19)
    let stream = RandomStream(seed: 4, .dropout, place: 4)
    let sentences = (0..<20).map { n in
      (0..<stream.integer(below: 9, n)).map { Int32(2 + stream.integer(below: 28, 100 * n + $0)) }
    }
    var configuration = BeamSearchConfiguration()
    configuration.hypotheses = 4
    let together = try model.translator(configuration, batch: 7, threads: 3, set: set).translate(sentences)
    let alone = try model.translator(configuration, batch: 1, set: set)
    #expect(together.count == 20 && sentences.contains([]))
    for (sentence, translations) in zip(sentences, together) {
      #expect(alone.translate([sentence])[0] == translations)
      #expect(translations.count == (sentence.isEmpty ? 1 : 4))
    }
  }

  /// Step by step a token has the probability that it has in one pass over the whole target.
  @Test func scoresAreThoseOfTheWholeTarget() throws {
    let model = try Model("marian", endLike: 7), source: [Int32] = [5, 6, 7]
    var configuration = BeamSearchConfiguration()
    configuration.extraLength = 3
    configuration.hypotheses = 4
    let pass = TranslationPass(
      model.model, parameters: model.parameters, on: .plain())
    for translation in try model.translator(configuration).translate([source])[0] {
      pass.run(source: source, target: translation.ids)
      let target = translation.ids + (translation.ids.count == 6 ? [] : [0])
      let sum = target.enumerated().reduce(0.0) { $0 + Double(pass.logProbabilities(after: $1.0)[Int($1.1)]) }
      #expect(abs(sum - translation.logProbability) < 1e-4)
      #expect(translation.ids.count <= 6)
    }
  }

  @Test func longSentencesAreCut() throws {
    let model = try Model("marian-gelu", endLike: 3), translator = try model.translator(BeamSearchConfiguration())
    let long = (0..<50).map { Int32(2 + $0 % 10) }
    #expect(translator.sourceLimit == 8)
    #expect(translator.translate([long]) == translator.translate([Array(long.prefix(8))]))
  }
}
