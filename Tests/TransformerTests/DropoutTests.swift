import MiniGPTTensors
import MiniGPTTestSupport
import Testing
import MiniGPTTransformer

/// Dropout in the whole model: where it falls, and the way back through it.
@Suite struct DropoutTests {
  static let rate: Float = 0.3
  static let context = DropoutStep(seed: 1 << 40 | 9, step: 7, firstSample: 3, rate: rate)

  static func configuration(_ norm: NormPlacement, layers: Int = 2) -> GPTConfiguration {
    GPTConfiguration(
      vocabularySize: 7, context: 6, layers: layers, heads: 2, width: 6, feedForwardWidth: 11, norm: norm)
  }

  /// The texts are shorter than the context, as validation's last window may be.
  @Test(arguments: InstructionSet.available, NormPlacement.allCases)
  func gradientsAreThoseOfTheSameMasksInDoublePrecision(set: InstructionSet, norm: NormPlacement) throws {
    let run = try GPTRun(Self.configuration(norm), batch: 2, length: 5, set: set)
    let ids = someIds(10, 7), targets = someIds(10, 7, 2)
    run.write(ids: ids, targets: targets)
    let parameters = PlainParameters<Double>(run.gpt.layout, in: run.memory)
    let reference = try MaskedReference(run, Self.context)
    let loss = run.lossAndGradients(Self.context)
    let (places, answers) = (ids.map(Int.init), targets.map(Int.init))
    let expected = reference.loss(places, answers, parameters).elements[0]
    #expect(abs(loss - expected) < 1e-6 * expected)
    let slopes = differences(parameters, PlainMatrix(0, 0), weight: [1]) { parameters, _ in
      reference.loss(places, answers, parameters)
    }
    expectGradients(run.gpt.layout, in: run.memory, equal: slopes.parameters, "\(norm)-norm, \(set)")
  }

  static let longer = GPTConfiguration(
    vocabularySize: 7, context: 131, layers: 2, heads: 2, width: 10, feedForwardWidth: 11)

  /// Across the edges of attention's tiles, where no differences are affordable: the output alone.
  @Test(arguments: InstructionSet.available, [63, 65, 130])
  func outputIsThatOfTheSameMasks(set: InstructionSet, length: Int) throws {
    let run = try GPTRun(Self.longer, batch: 1, length: length, set: set)
    let ids = someIds(length, 7), parameters = PlainParameters<Double>(run.gpt.layout, in: run.memory)
    let expected = try MaskedReference(run, Self.context).hidden(ids.map(Int.init), parameters)
    #expect(distance(run.hidden(ids, Self.context).map(Double.init), expected.elements) < 2e-6)
  }

  /// The way back across the edges of tiles: along one direction of each parameter.
  @Test(arguments: [65, 130]) func gradientsOfLongerTexts(length: Int) throws {
    let ids = someIds(length, 7), targets = someIds(length, 7, 2)
    let first = try GPTRun(Self.longer, batch: 1, length: length)
    let parameters = PlainParameters<Double>(first.gpt.layout, in: first.memory)
    let reference = try MaskedReference(first, Self.context)
    let runs = try InstructionSet.available.map { set in
      let run = try GPTRun(Self.longer, batch: 1, length: length, set: set)
      run.write(ids: ids, targets: targets)
      run.step(Self.context)
      return run
    }
    for (index, parameter) in first.gpt.layout.parameters.enumerated() {
      let direction = numbers(parameter.slot.count, 500 + index).map(Double.init)
      func loss(_ step: Double) -> Double {
        var moved = parameters
        for (i, d) in direction.enumerated() { moved.matrices[parameter.name]?.elements[i] += step * d }
        return reference.loss(ids.map(Int.init), targets.map(Int.init), moved).elements[0]
      }
      let slope = (loss(1e-5) - loss(-1e-5)) / 2e-5
      for run in runs {
        let gradient = run.gradient(parameter).map(Double.init)
        let found = zip(gradient, direction).map { $0 * $1 }.reduce(0, +)
        #expect(abs(found - slope) < 1e-5 * norm(gradient) * norm(direction), "\(parameter.name), length \(length)")
      }
    }
  }

  /// After the embedding, on the attention weights and on both branches of each block.
  @Test func everySiteDrops() throws {
    let run = try GPTRun(Self.longer, batch: 1, length: 65)
    let ids = someIds(65, 7), places = ids.map(Int.init)
    let parameters = PlainParameters<Double>(run.gpt.layout, in: run.memory)
    let reference = try MaskedReference(run, Self.context)
    let found = run.hidden(ids, Self.context).map(Double.init)
    // 0.3 · 65536 rounds to 19661, and what stays grows by 65536 / (65536 - 19661).
    let stays = 65536.0 / 45875
    #expect(reference.sites.count == 7)
    for (site, mask) in reference.sites {
      #expect(mask.allSatisfy { $0 == 0 || abs($0 - stays) < 1e-6 }, "site \(site)")
      let dropped = Double(mask.filter { $0 == 0 }.count) / Double(mask.count)
      let deviation = (0.3 * 0.7 / Double(mask.count)).squareRoot()
      #expect(abs(dropped - 0.3) < 4.5 * deviation, "site \(site) drops \(dropped)")
      let without = reference.keepingAll(at: site).hidden(places, parameters).elements
      #expect(distance(found, without) > 0.01, "site \(site) drops nothing")
    }
    // No two sites drop the same.
    #expect(Set(reference.sites.values).count == 7)
  }

  @Test func rateZeroIsNone() throws {
    let run = try GPTRun(Self.configuration(.pre), batch: 2, length: 6)
    let ids = someIds(12, 7)
    let none = bits(run.hidden(ids))
    #expect(bits(run.hidden(ids, DropoutStep(seed: 1, step: 1, firstSample: 0, rate: 0))) == none)
    #expect(bits(run.hidden(ids, Self.context)) != none)
  }

  @Test func masksFollowSeedStepAndSample() throws {
    let run = try GPTRun(Self.configuration(.pre), batch: 2, length: 6), width = 6
    let ids = someIds(6, 7), twice = ids + ids
    func hidden(_ seed: UInt64, _ step: Int, _ sample: Int) -> [UInt32] {
      bits(run.hidden(twice, DropoutStep(seed: seed, step: step, firstSample: sample, rate: Self.rate)))
    }
    let first = hidden(1, 1, 0)
    #expect(hidden(1, 1, 0) == first)
    #expect(hidden(2, 1, 0) != first)
    #expect(hidden(1 | 1 << 32, 1, 0) != first)
    #expect(hidden(1, 2, 0) != first)
    // The same text drops differently as the second sample, and the same wherever that sample's batch begins.
    #expect(first[..<(6 * width)] != first[(6 * width)...])
    #expect(hidden(1, 1, 1)[..<(6 * width)] == first[(6 * width)...])
  }
}
