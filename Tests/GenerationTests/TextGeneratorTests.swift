import AllocationCounter
import Generation
import Parallel
import Platform
import Tensors
import TestSupport
import Testing
import Transformer

@Suite struct TextGeneratorTests {
  /// A model whose context is no multiple of the generator's windows, with weights that are nowhere trivial.
  struct Model {
    let model: GPT
    let parameters: ParameterStorage
    let memory: Memory

    init(positions: Positions = .learned, norm: NormPlacement = .pre, context: Int = 37) {
      model = GPT(
        GPTConfiguration(
          vocabularySize: 23, context: context, layers: 2, heads: 3, width: 18, feedForwardWidth: 29,
          positions: positions, norm: norm))
      parameters = ParameterStorage(count: model.layout.count)
      memory = Memory(
        parameters: parameters, trains: false, activations: 0, indices: 0, scratch: 0, pool: WorkerPool(threads: 1),
        kernels: .portable)
      let stream = RandomStream(seed: 5, site: 1)
      for parameter in model.layout.parameters {
        let mean: Float = parameter.start == .ones ? 1 : 0
        memory.write(
          parameter.slot,
          (0..<parameter.slot.count).map {
            mean + Float(stream.uniform(parameter.slot.offset + $0) - 0.5) * 0.8
          })
      }
    }

    func generator(threads: Int = 1, set: InstructionSet = .best) throws -> TextGenerator {
      TextGenerator(
        model, parameters: parameters, pool: WorkerPool(threads: threads), kernels: try #require(set.kernels))
    }

    /// The logits behind `tokens` in double precision.
    func reference(_ tokens: [Int32]) -> [Double] {
      let plain = PlainParameters<Double>(model.layout, in: memory)
      let hidden = GPT.reference(tokens.map { Int($0) }, length: tokens.count, model.configuration, plain)
      return (hidden.rows(tokens.count - 1..<tokens.count) * plain.matrix("tokenEmbedding").transposed).elements
    }
  }

  static func ids(_ count: Int) -> [Int32] {
    let stream = RandomStream(seed: 6, site: 2)
    return (0..<count).map { Int32(stream.integer(below: 23, $0)) }
  }

  /// The windows grow from 16 to 32 to 37 tokens, then slide.
  @Test(arguments: Positions.allCases, NormPlacement.allCases)
  func logitsAreThoseOfThePlainModel(positions: Positions, norm: NormPlacement) throws {
    let model = Model(positions: positions, norm: norm)
    for set in InstructionSet.available {
      let generator = try model.generator(threads: 2, set: set)
      let text = Self.ids(45)
      generator.start(Array(text.prefix(1)))
      for count in 1...text.count {
        let logits = generator.nextLogits().map(Double.init)
        let seen = Array(text.prefix(count).suffix(37))
        #expect(generator.tokens == seen)
        #expect(distance(logits, model.reference(seen)) < 2e-5, "\(count) tokens, \(set)")
        if count < text.count { generator.append(text[count]) }
      }
    }
  }

  @Test(arguments: [1, 15, 16, 17, 32, 33, 36, 37, 38, 100]) func promptsOfAnyLength(count: Int) throws {
    let model = Model(positions: .sinusoidal), generator = try model.generator()
    generator.start(Self.ids(count))
    let seen = Array(Self.ids(count).suffix(37))
    #expect(generator.tokens == seen)
    #expect(distance(generator.nextLogits().map(Double.init), model.reference(seen)) < 2e-5)
  }

  /// Whatever came before, in whichever window.
  @Test func startForgets() throws {
    let model = Model(positions: .sinusoidal), fresh = try model.generator(), used = try model.generator()
    fresh.start([3, 4, 5])
    let logits = fresh.nextLogits()
    for count in [37, 20, 1, 30] {
      used.start(Self.ids(count))
      _ = used.nextLogits()
      used.start([3, 4, 5])
      #expect(used.nextLogits() == logits)
    }
  }

  @Test func shortContexts() throws {
    for context in [1, 2, 16] {
      let model = Model(context: context), generator = try model.generator()
      generator.start(Self.ids(20))
      let seen = Array(Self.ids(20).suffix(context))
      #expect(distance(generator.nextLogits().map(Double.init), model.reference(seen)) < 2e-5)
    }
  }

  @Test(arguments: InstructionSet.available) func threadsChangeNoBit(set: InstructionSet) throws {
    let model = Model()
    func run(_ threads: Int) throws -> (logits: [[Float]], tokens: [Int32]) {
      let generator = try model.generator(threads: threads, set: set)
      var sampler = Sampler(SamplingConfiguration())
      generator.start([1])
      var logits: [[Float]] = [], tokens: [Int32] = []
      for _ in 0..<60 {
        logits.append(generator.nextLogits())
        tokens.append(generator.next(&sampler, excluding: 22))
      }
      return (logits, tokens)
    }
    let one = try run(1)
    #expect(!one.tokens.contains(22))
    for threads in 2...3 {
      let other = try run(threads)
      #expect(other.logits == one.logits)
      #expect(other.tokens == one.tokens)
    }
  }

  /// In a process of its own, where nobody else asks for memory; the text grows through all windows and slides.
  @Test(.enabled(if: allocations_counted() == 1, "a sanitizer owns malloc"))
  func aTokenTakesNoMemory() async {
    await #expect(processExitsWith: .success) {
      var nucleus = SamplingConfiguration()
      nucleus.topK = 9
      nucleus.topP = 0.9
      for positions in Positions.allCases {
        for configuration in [SamplingConfiguration(), nucleus] {
          let generator = try Model(positions: positions).generator(threads: 2)
          var sampler = Sampler(configuration)
          // Swift describes a generic type to itself when it is first used: here once for each kind of work that is
          // handed to a second thread, which happens with long texts alone.
          generator.start(TextGeneratorTests.ids(40))
          for _ in 0..<2 { _ = generator.next(&sampler) }
          generator.start([1, 2, 3])
          let before = allocations_all()
          for _ in 0..<60 { _ = generator.next(&sampler) }
          let taken = allocations_all() - before
          check(taken == 0, "\(taken) allocations in sixty tokens, positions \(positions)")
        }
      }
    }
  }
}
