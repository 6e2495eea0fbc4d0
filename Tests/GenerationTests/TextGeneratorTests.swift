import MiniGPTAllocationCounter
import MiniGPTGeneration
import MiniGPTParallel
import MiniGPTPlatform
import MiniGPTTensors
import MiniGPTTestSupport
import Testing
import MiniGPTTransformer

@Suite struct TextGeneratorTests {
  /// A model whose context is no multiple of the generator's windows, with weights that are nowhere trivial.
  struct Model {
    let model: GPT
    let parameters: ParameterStorage
    let memory: Memory

    init(positions: Positions = .learned, norm: NormPlacement = .pre, context: Int = 37) {
      self.init(
        GPTConfiguration(
          vocabularySize: 23, context: context, layers: 2, heads: 3, width: 18, feedForwardWidth: 29,
          positions: positions, norm: norm))
    }

    init(_ variant: BlockVariant) { self.init(variant.text(vocabularySize: 23, context: 37, layers: 2)) }

    private init(_ configuration: GPTConfiguration) {
      model = GPT(configuration)
      parameters = ParameterStorage(count: model.layout.count)
      memory = Memory(MemoryPlan(), parameters, on: .plain())
      let stream = RandomStream(seed: 5, .dropout, place: 1)
      for parameter in model.layout.parameters {
        let mean: Float = parameter.start == .ones ? 1 : 0
        memory.write(
          parameter.slot,
          (0..<parameter.slot.count).map {
            mean + Float(stream.uniform(parameter.slot.offset + $0) - 0.5) * 0.8
          })
      }
    }

    func generator(
      threads: Int = 1, set: InstructionSet = .best, sequences: Int = 1, weights type: NumberFormat = .fp32
    ) throws -> TextGenerator {
      let processor = Processor(WorkerPool(threads: threads), try #require(set.kernels))
      return TextGenerator(
        model, parameters: parameters,
        weights: model.decodingWeights(type, of: parameters, on: processor), sequences: sequences,
        on: processor)
    }

    /// The logits behind `tokens` in double precision.
    func reference(_ tokens: [Int32]) -> [Double] {
      let plain = PlainParameters<Double>(model.layout, in: memory)
      let hidden = GPT.reference(tokens.map { Int($0) }, length: tokens.count, model.configuration, plain)
      return OutputProjection.reference(hidden.rows(tokens.count - 1..<tokens.count), plain).elements
    }
  }

  static func ids(_ count: Int) -> [Int32] {
    let stream = RandomStream(seed: 6, .dropout, place: 2)
    return (0..<count).map { Int32(stream.integer(below: 23, $0)) }
  }

  /// What the model sees of a text that grew token by token: when 37 are there and another comes, 18 stay.
  static func window(_ text: some Sequence<Int32>, context: Int = 37) -> [Int32] {
    var window: [Int32] = []
    for token in text {
      if window.count == context { window.removeFirst(context - context / 2) }
      window.append(token)
    }
    return window
  }

  /// The window grows to 37 tokens, then slides twice.
  @Test(arguments: Positions.allCases, NormPlacement.allCases)
  func logitsAreThoseOfThePlainModel(positions: Positions, norm: NormPlacement) throws {
    try compare(Model(positions: positions, norm: norm), "\(positions), \(norm)-norm")
  }

  @Test(arguments: BlockVariant.all) func logitsOfTodaysShapesAreThoseOfThePlainModel(variant: BlockVariant) throws {
    try compare(Model(variant), variant.description)
  }

  private func compare(_ model: Model, _ comment: String) throws {
    for set in InstructionSet.available {
      let generator = try model.generator(threads: 2, set: set)
      let text = Self.ids(60)
      generator.start(Array(text.prefix(1)))
      for count in 1...text.count {
        let logits = generator.nextLogits().map(Double.init)
        let seen = Self.window(text.prefix(count))
        #expect(generator.tokens == seen)
        #expect(distance(logits, model.reference(seen)) < 2e-5, "\(count) tokens, \(set), \(comment)")
        #expect(generator.slides == (count > 56 ? 2 : count > 37 ? 1 : 0))
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
      generator.excluded = [22]
      var sampler = Sampler(SamplingConfiguration())
      generator.start([1])
      var logits: [[Float]] = [], tokens: [Int32] = []
      for _ in 0..<60 {
        logits.append(generator.nextLogits())
        tokens.append(generator.next(&sampler))
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

  /// What waits in the cache is what would be computed anew, to the bit: prompt or token by token, alone or among
  /// others, before and after the window slides.
  @Test(arguments: InstructionSet.available, NumberFormat.allCases)
  func cachedLogitsAreRecomputedOnes(set: InstructionSet, type: NumberFormat) throws {
    let model = Model(), text = Self.ids(60)
    let fresh = try model.generator(set: set, weights: type)
    let several = try model.generator(threads: 2, set: set, sequences: 14, weights: type)
    several.start(Array(text.prefix(5)))
    for count in 5..<text.count {
      fresh.start(Self.window(text.prefix(count)))
      let expected = fresh.nextLogits()
      for sequence in [0, 13] { #expect(several.nextLogits(of: sequence) == expected, "\(count) tokens, \(sequence)") }
      for sequence in 0..<14 {
        several.append(sequence % 13 == 0 ? text[count] : Int32((count * 7 + sequence) % 23), to: sequence)
      }
    }
  }

  /// How far the logits of shorter weights are from those in double precision, norm-wise.
  @Test(arguments: InstructionSet.available) func shortWeightsAreNearTheModel(set: InstructionSet) throws {
    let model = Model(), text = Self.ids(30), expected = model.reference(text)
    for (type, limit) in [(NumberFormat.fp32, 2e-6), (.f16, 1e-3), (.bf16, 1e-2), (.int8, 3e-2)] {
      let generator = try model.generator(set: set, weights: type)
      generator.start(text)
      let found = distance(generator.nextLogits().map(Double.init), expected)
      #expect(found < limit && (type == .fp32 || found > 1e-6), "\(type): \(found)")
    }
  }

  /// Weights that still change are read where they lie.
  @Test func weightsMayLieInPlace() throws {
    let model = Model(), text = Self.ids(30), kernels = try #require(InstructionSet.best.kernels)
    let generator = TextGenerator(
      model.model, parameters: model.parameters, on: Processor(WorkerPool(threads: 2), kernels))
    for count in [5, 30] {
      generator.start(Array(text.prefix(count)))
      let found = generator.nextLogits().map(Double.init)
      #expect(distance(found, model.reference(Array(text.prefix(count)))) < 2e-6)
    }
  }

  /// The n-th sample is the same among one, three or nine.
  @Test(arguments: NumberFormat.allCases) func samplesDoNotDependOnEachOther(type: NumberFormat) throws {
    let model = Model()
    func run(_ count: Int) throws -> [[Int32]] {
      let generator = try model.generator(threads: 2, sequences: count, weights: type)
      var samplers = (0..<count).map { Sampler(SamplingConfiguration(), sample: $0) }
      var last = [Int32](repeating: 0, count: count), texts = [[Int32]](repeating: [], count: count)
      var running = [Bool](repeating: true, count: count)
      generator.start([3, 1, 4])
      for step in 0..<50 {
        generator.next(&samplers, into: &last)
        for index in 0..<count where running[index] { texts[index].append(last[index]) }
        if step == 20 && count > 1 {
          generator.finish(1)
          running[1] = false
        }
      }
      return texts
    }
    let nine = try run(9), three = try run(3), one = try run(1)
    #expect(one[0] == nine[0] && three[0] == nine[0] && three[1] == nine[1] && three[2] == nine[2])
    #expect(nine[1].count == 21 && nine[0] != nine[2])
  }

  @Test func lossesAreThoseOfWindows() throws {
    let model = Model(), text = Self.ids(50), generator = try model.generator()
    let losses = generator.losses(of: text)
    #expect(losses.count == 49)
    for (place, loss) in losses.enumerated() {
      let window = text[(place / 37 * 37)...place]
      let probabilities = TokenProbabilities(logits: model.reference(Array(window)).map { Float($0) })
      #expect(abs(loss + probabilities.logarithm(text[place + 1])) < 1e-4)
    }
    #expect(generator.losses(of: [1]).isEmpty && generator.losses(of: []).isEmpty)
  }

  /// In a process of its own, where nobody else asks for memory; the text grows and slides.
  @Test(.enabled(if: allocations_counted() == 1, "a sanitizer owns malloc"))
  func aTokenTakesNoMemory() async {
    await #expect(processExitsWith: .success) {
      var nucleus = SamplingConfiguration()
      nucleus.topK = 9
      nucleus.topP = 0.9
      let models = Positions.allCases.map { Model(positions: $0) } + BlockVariant.all.map { Model($0) }
      for model in models {
        for configuration in [SamplingConfiguration(), nucleus] {
          let generator = try model.generator(threads: 2)
          var sampler = Sampler(configuration)
          // Swift describes a generic type to itself when it is first used: here once for each kind of work that is
          // handed to a second thread, which happens with long prompts alone.
          generator.start(TextGeneratorTests.ids(40))
          for _ in 0..<2 { _ = generator.next(&sampler) }
          generator.start([1, 2, 3])
          for _ in 0..<2 { _ = generator.next(&sampler) }
          let before = allocations_all()
          for _ in 0..<60 { _ = generator.next(&sampler) }
          let taken = allocations_all() - before
          check(taken == 0, "\(taken) allocations in sixty tokens, \(model.model.configuration)")
        }
      }
    }
  }
}
