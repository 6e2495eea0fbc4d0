import MiniGPTEvaluation
import MiniGPTParallel
import MiniGPTTensors
import MiniGPTTestSupport
import Testing
import MiniGPTTransformer

@Suite struct AttentionMapsTests {
  /// A GPT with weights away from every trivial value.
  private func parameters(_ model: GPT) throws -> ParameterStorage {
    let storage = ParameterStorage(count: model.layout.count)
    let memory = Memory(
      MemoryPlan(), storage, on: Processor(WorkerPool(threads: 1), try #require(InstructionSet.best.kernels)))
    for (index, parameter) in model.layout.parameters.enumerated() {
      let stream = RandomStream(seed: UInt64(index), .dropout, place: 5),
        start: Float = parameter.start == .ones ? 1 : 0
      memory.write(
        parameter.slot, (0..<parameter.slot.count).map { start + Float(stream.uniform($0) - 0.5) })
    }
    return storage
  }

  static let shapes =
    NormPlacement.allCases.map {
      GPTConfiguration(
        vocabularySize: 17, context: 40, layers: 3, heads: 2, width: 12, positions: .sinusoidal, norm: $0)
    } + BlockVariant.all.map { $0.text(vocabularySize: 17, context: 40, layers: 3) }

  /// Against the whole model in double precision, computed apart.
  @Test(arguments: shapes) func equalTheReference(configuration: GPTConfiguration) throws {
    let block = configuration.block, shape = configuration.attention
    let model = GPT(configuration), storage = try parameters(model)
    let ids = (0..<33).map { Int32($0 * 5 % 17) }
    let maps = AttentionMaps(
      model, parameters: storage, ids: ids,
      on: Processor(WorkerPool(threads: 2), try #require(InstructionSet.best.kernels)))
    let memory = Memory(
      MemoryPlan(), storage, on: Processor(WorkerPool(threads: 1), try #require(InstructionSet.best.kernels)))
    let plain = PlainParameters<Double>(model.layout, in: memory)
    var x = Embedding.reference(
      ids.map(Int.init), length: ids.count, fixed: configuration.sinusoids(33), plain)
    #expect(maps.weights.count == 3)
    for layer in 0..<3 {
      let name = "blocks.\(layer)"
      let input = block.norm == .pre ? Norm.reference(x, name + ".attentionNorm", block, plain) : x
      let projections = Linear.reference(input, name + ".attention.queryKeyValue", plain)
      let (query, key) = QueryKeyPreparation.reference(
        query: projections.columns(shape.queries), key: projections.columns(shape.keys), name + ".attention",
        length: 33, block, plain)
      let expected = ScaledDotProductAttention.reference(
        query: query, key: key, value: projections.columns(shape.values), shape, mask: .causal
      ).weights
      #expect(maps.weights[layer].count == shape.heads)
      for head in 0..<shape.heads {
        let found = maps.weights[layer][head]
        #expect(distance(found.elements, expected[head].elements) < 1e-5, "layer \(layer), head \(head)")
        for t in 0..<33 {
          #expect(abs(found.row(t).reduce(0, +) - 1) < 1e-12)
          #expect(found.row(t)[(t + 1)...].allSatisfy { $0 == 0 })
        }
      }
      x = Block.reference(x, .decoderAlone, length: 33, configuration.blockShape, plain.part(name))
    }
  }
}
