import MiniGPTParallel
import MiniGPTTensors
import Testing
import MiniGPTTransformer

@Suite struct InitializationTests {
  static let configuration = GPTConfiguration(vocabularySize: 301, context: 120, layers: 3, heads: 4, width: 64)

  static func start(_ layout: ParameterLayout, seed: UInt64, set: InstructionSet = .best) throws -> Memory {
    let memory = Memory(
      MemoryPlan(), ParameterStorage(count: layout.count),
      on: Processor(WorkerPool(threads: 1), try #require(set.kernels)))
    Initialization.run(layout, seed: seed, in: memory)
    return memory
  }

  private func moments(_ x: [Float]) -> (mean: Double, deviation: Double) {
    let mean = x.map(Double.init).reduce(0, +) / Double(x.count)
    return (mean, (x.map { (Double($0) - mean) * (Double($0) - mean) }.reduce(0, +) / Double(x.count)).squareRoot())
  }

  /// Matrices are N(0, 0.02), those that add to the stream 0.02 / √(2 · layers), gains 1, biases 0: GPT-2.
  @Test func everyKindStartsAsItShould() throws {
    let layout = GPT(Self.configuration).layout, memory = try Self.start(layout, seed: 1)
    for parameter in layout.parameters {
      let values = memory.read(parameter.slot), name = parameter.name
      if name.hasSuffix(".gain") {
        #expect(values.allSatisfy { $0 == 1 }, "\(name)")
      } else if name.hasSuffix(".bias") {
        #expect(values.allSatisfy { $0 == 0 }, "\(name)")
      } else {
        let adds = name.hasSuffix("output.weight") || name.hasSuffix("down.weight")
        let expected = adds ? 0.02 / 6.0.squareRoot() : 0.02, n = Double(values.count)
        let (mean, deviation) = moments(values)
        #expect(abs(mean) < 4.5 * expected / n.squareRoot(), "\(name) has the mean \(mean)")
        #expect(abs(deviation - expected) < 4.5 * expected / (2 * n).squareRoot(), "\(name) deviates by \(deviation)")
        // None is drawn twice, apart from chance.
        #expect(Set(values).count > values.count * 99 / 100, "\(name) repeats itself")
        // Normal, not merely of that deviation: 68.27 and 95.45 of a hundred lie within one and two.
        for (bound, share) in [(1.0, 0.6827), (2, 0.9545)] {
          let inside = Double(values.filter { abs(Double($0)) < bound * expected }.count) / n
          #expect(abs(inside - share) < 4.5 * (share * (1 - share) / n).squareRoot(), "\(name) within \(bound) σ")
        }
      }
    }
  }

  @Test func xavierIsUniformUpToItsBound() throws {
    var layout = ParameterLayout()
    let slot = layout.matrix("m", 150, 90, start: .xavierUniform)
    let values = try Self.start(layout, seed: 4).read(slot)
    let bound = (6.0 / 240).squareRoot(), (mean, deviation) = moments(values), n = Double(values.count)
    #expect(values.allSatisfy { abs(Double($0)) <= bound })
    #expect((values.max() ?? 0) > Float(0.99 * bound) && (values.min() ?? 0) < Float(-0.99 * bound))
    #expect(abs(mean) < 4.5 * bound / (3 * n).squareRoot())
    #expect(abs(deviation - bound / 3.0.squareRoot()) < 0.02 * bound)
  }

  @Test func sameSeedSameBits() throws {
    let layout = GPT(Self.configuration).layout, all = Slot(.parameters, offset: 0, rows: 1, columns: layout.count)
    let once = bits(try Self.start(layout, seed: 1337).read(all))
    for set in InstructionSet.available {
      #expect(bits(try Self.start(layout, seed: 1337, set: set).read(all)) == once, "\(set)")
    }
  }

  @Test func otherSeedsGiveOtherNumbers() throws {
    let layout = GPT(Self.configuration).layout
    let one = try Self.start(layout, seed: 1), others = try [2, 1 | 1 << 32].map { try Self.start(layout, seed: $0) }
    for parameter in layout.parameters where parameter.decays {
      for other in others {
        let (a, b) = (one.read(parameter.slot), other.read(parameter.slot))
        #expect(zip(a, b).filter { $0 == $1 }.count < a.count / 1000 + 2, "\(parameter.name)")
      }
    }
  }

  /// A parameter's numbers are its own.
  @Test func noTwoParametersStartAlike() throws {
    let layout = GPT(Self.configuration).layout, memory = try Self.start(layout, seed: 1)
    let starts = layout.parameters.filter(\.decays).map { memory.read($0.slot).prefix(100).map { $0.sign == .plus } }
    #expect(Set(starts).count == starts.count)
  }
}
