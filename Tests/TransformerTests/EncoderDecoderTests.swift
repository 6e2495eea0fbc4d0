import MiniGPTTensors
import MiniGPTTestSupport
import Testing
import MiniGPTTransformer

/// The translator against its plain reference in double precision, its padding, and what it may see.
@Suite struct EncoderDecoderTests {
  static func small(
    _ norm: NormPlacement = .post, positions: Positions = .sinusoidal, activation: Activation = .relu
  ) -> TranslatorConfiguration {
    TranslatorConfiguration(
      vocabularySize: 11, context: 9, encoderLayers: 2, decoderLayers: 1, heads: 2, width: 6, feedForwardWidth: 7,
      positions: positions, norm: norm, activation: activation)
  }

  static let variants: [TranslatorConfiguration] =
    NormPlacement.allCases.flatMap { norm in
      Positions.allCases.filter { $0 != .rotary }.map {
        small(norm, positions: $0, activation: $0 == .learned ? .gelu : .relu)
      }
    } + BlockVariant.all.map { $0.translator(vocabularySize: 11, context: 9, encoder: 2, decoder: 1) }

  /// Pairs of different lengths, as batches hold them.
  static let lengths = [(5, 3), (2, 7), (7, 1)]

  @Test(arguments: InstructionSet.available, variants.indices)
  func outputsAreThoseOfTheReference(set: InstructionSet, variant: Int) throws {
    let configuration = Self.variants[variant], pairs = somePairs(Self.lengths, configuration)
    let run = try TranslatorRun(configuration, set: set)
    let parameters = PlainParameters<Double>(run.model.layout, in: run.memory)
    for (found, pair) in zip(run.rows(pairs, padding: 1), pairs) {
      let input = [configuration.padding] + pair.target.dropLast()
      let expected = EncoderDecoder.reference(
        source: pair.source.map(Int.init), target: input.map(Int.init), configuration, parameters)
      #expect(distance(found.source.map(Double.init), expected.source.elements) < 5e-6, "source, \(configuration)")
      #expect(distance(found.hidden.map(Double.init), expected.hidden.elements) < 5e-6, "hidden, \(configuration)")
    }
  }

  @Test(arguments: variants.indices) func gradientsAreDifferencesOfTheReference(variant: Int) throws {
    let configuration = Self.variants[variant], pairs = somePairs(Self.lengths, configuration)
    let run = try TranslatorRun(configuration)
    let parameters = PlainParameters<Double>(run.model.layout, in: run.memory)
    let loss = run.lossAndGradients(pairs), expected = run.referenceLoss(pairs, parameters).elements[0]
    #expect(abs(loss - expected) < 1e-6 * expected)
    var slopes = differences(parameters, PlainMatrix(0, 0), weight: [1]) { parameters, _ in
      run.referenceLoss(pairs, parameters)
    }.parameters
    // The row of `<pad>` is frozen.
    let width = configuration.width, last = configuration.outputSize * width
    for i in last..<last + width { slopes["tokenEmbedding"]?[i] = 0 }
    expectGradients(run.model.layout, in: run.memory, equal: slopes, "\(configuration)")
  }

  /// A sentence alone, among others, and with more padding on either side: the same bits.
  @Test(arguments: InstructionSet.available, NormPlacement.allCases)
  func paddingChangesNothing(set: InstructionSet, norm: NormPlacement) throws {
    var configuration = Self.small(norm)
    (configuration.context, configuration.width, configuration.heads) = (80, 20, 2)
    let pairs = somePairs([(70, 66), (3, 67), (66, 2), (64, 64)], configuration)
    let run = try TranslatorRun(configuration, rows: 4 * 80, set: set, logitRows: 64)
    let together = run.rows(pairs), padded = run.rows(pairs, padding: 9)
    for (index, pair) in pairs.enumerated() {
      let alone = run.rows([pair])[0], later = run.rows([pairs[(index + 1) % 4], pair], padding: 3)[1]
      for other in [together[index], padded[index], later] {
        #expect(bits(other.source) == bits(alone.source), "source \(index)")
        #expect(bits(other.hidden) == bits(alone.hidden), "hidden \(index)")
      }
    }
  }

  /// Gradients add up over pairs in the order of rows, so padding may change the last bits and no more.
  @Test(arguments: NormPlacement.allCases) func paddingChangesNoGradient(norm: NormPlacement) throws {
    let configuration = Self.small(norm, positions: .learned), pairs = somePairs(Self.lengths, configuration)
    let run = try TranslatorRun(configuration)
    let loss = run.lossAndGradients(pairs), once = run.model.layout.parameters.map { run.gradient($0) }
    #expect(run.lossAndGradients(pairs, padding: 2) == loss)
    let all = MiniGPTTestSupport.norm(once.flatMap { $0 }.map(Double.init))
    for (parameter, expected) in zip(run.model.layout.parameters, once) {
      #expect(distance(run.gradient(parameter), expected, all: all) < 1e-5, "\(parameter.name)")
    }
  }

  /// Without positions the encoder does not know the order: a permuted sentence gives the same rows, permuted.
  @Test func withoutPositionsAPermutedSourceGivesPermutedRows() throws {
    let configuration = Self.small(.post, positions: .none), width = configuration.width
    let run = try TranslatorRun(configuration), pair = somePairs([(7, 4)], configuration)[0]
    let order = [3, 0, 6, 2, 5, 1, 4]
    let rows = run.rows([pair])[0], permuted = run.rows([(order.map { pair.source[$0] }, pair.target)])[0]
    for (place, original) in order.enumerated() {
      let found = Array(permuted.source[place * width..<(place + 1) * width])
      #expect(distance(found, Array(rows.source[original * width..<(original + 1) * width])) < 1e-6)
    }
    // Nor does the decoder: what it says is the same.
    #expect(distance(permuted.hidden, rows.hidden) < 1e-6)
    // With positions it does.
    let knowing = try TranslatorRun(Self.small())
    let before = knowing.rows([pair])[0], after = knowing.rows([(order.map { pair.source[$0] }, pair.target)])[0]
    #expect(distance(after.hidden, before.hidden) > 1e-3)
  }

  /// A later token of the target shows in no earlier row; every token of the source shows in all of them.
  @Test(arguments: NormPlacement.allCases) func theDecoderSeesThePastAndTheWholeSource(norm: NormPlacement) throws {
    let configuration = Self.small(norm), width = configuration.width
    let run = try TranslatorRun(configuration), pair = somePairs([(6, 7)], configuration)[0]
    let before = run.rows([pair])[0].hidden
    for place in 0..<6 {
      var other = pair
      other.target[place] = other.target[place] % 8 + 2
      if other.target[place] == pair.target[place] { other.target[place] += 1 }
      let after = run.rows([other])[0].hidden
      let earlier = (place + 1) * width
      #expect(bits(Array(after[..<earlier])) == bits(Array(before[..<earlier])), "target \(place)")
      #expect(after[earlier...] != before[earlier...], "target \(place)")
      other = pair
      other.source[place] = pair.source[place] == 4 ? 5 : 4
      let changed = run.rows([other])[0].hidden
      for t in 0..<7 {
        #expect(
          changed[t * width..<(t + 1) * width] != before[t * width..<(t + 1) * width], "source \(place), row \(t)")
      }
    }
  }

  @Test func paddingIsNeitherTrainedNorSaid() throws {
    let configuration = Self.small(), run = try TranslatorRun(configuration)
    #expect(run.activations.loss.logits.columns == configuration.vocabularySize - 1)
    _ = run.lossAndGradients(somePairs(Self.lengths, configuration))
    let table = run.memory.read(run.model.encoder.embedding.table.at(.gradients)), width = configuration.width
    #expect(table[(10 * width)...].allSatisfy { $0 == 0 })
    #expect(table[..<(10 * width)].contains { $0 != 0 })
  }

  @Test(arguments: NormPlacement.allCases) func anyNumberOfThreadsGivesTheSameBits(norm: NormPlacement) throws {
    var configuration = Self.small(norm)
    (configuration.context, configuration.width, configuration.heads, configuration.feedForwardWidth) = (70, 36, 3, 77)
    let pairs = somePairs([(66, 3), (20, 67), (5, 40)], configuration)
    let context = DropoutStep(seed: 3, step: 11, firstSample: 5, rate: 0.2)
    var first: (Double, [[UInt32]])?
    for threads in [1, 2, 3] {
      let run = try TranslatorRun(configuration, rows: 210, threads: threads, logitRows: 64)
      let loss = run.lossAndGradients(pairs, smoothing: 0.1, context)
      let gradients = run.model.layout.parameters.map { bits(run.gradient($0)) }
      guard let first else {
        first = (loss, gradients)
        continue
      }
      #expect(loss == first.0)
      #expect(gradients == first.1, "\(threads) threads")
      // A second step in the same memory, after another batch, finds nothing of the first.
      _ = run.lossAndGradients(somePairs([(9, 60)], configuration, 5), nil)
      _ = run.lossAndGradients(pairs, smoothing: 0.1, context)
      #expect(run.model.layout.parameters.map { bits(run.gradient($0)) } == first.1, "again, \(threads) threads")
    }
  }

  /// Dropout is the same for a pair wherever padding puts it, and falls on the embeddings and on every sub-layer.
  @Test func dropoutDoesNotDependOnPadding() throws {
    let configuration = Self.small(), pairs = somePairs(Self.lengths, configuration)
    let run = try TranslatorRun(configuration)
    let context = DropoutStep(seed: 3, step: 11, firstSample: 5, rate: 0.3)
    let once = run.rows(pairs, context), padded = run.rows(pairs, padding: 2, context), none = run.rows(pairs)
    for index in pairs.indices {
      #expect(bits(once[index].source) == bits(padded[index].source))
      #expect(bits(once[index].hidden) == bits(padded[index].hidden))
      #expect(once[index].source != none[index].source)
    }
    #expect(run.model.decoder.blocks.count == 1)
    let columns = [run.model.encoder, run.model.decoder]
    var sites = columns.map(\.dropout.site)
    for block in columns.flatMap(\.blocks) {
      let norms = [block.attentionNorm, block.feedForwardNorm] + (block.crossAttentionNorm.map { [$0] } ?? [])
      sites += norms.map(\.residual.dropout.site)
    }
    #expect(Set(sites).count == 2 + 2 * 2 + 3)
  }
}
