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

  /// Against the whole model in double precision, computed apart.
  @Test(arguments: NormPlacement.allCases) func equalTheReference(norm: NormPlacement) throws {
    let configuration = GPTConfiguration(
      vocabularySize: 17, context: 40, layers: 3, heads: 2, width: 12, positions: .sinusoidal, norm: norm)
    let model = GPT(configuration), storage = try parameters(model)
    let ids = (0..<33).map { Int32($0 * 5 % 17) }
    let maps = AttentionMaps(
      model, parameters: storage, ids: ids,
      on: Processor(WorkerPool(threads: 2), try #require(InstructionSet.best.kernels)))
    let memory = Memory(
      MemoryPlan(), storage, on: Processor(WorkerPool(threads: 1), try #require(InstructionSet.best.kernels)))
    let plain = PlainParameters<Double>(model.layout, in: memory)
    var x = Embedding.reference(
      ids.map(Int.init), length: ids.count,
      fixed: PositionalEncoding.table(rows: 33, width: 12, scale: PositionalEncoding.gptScale()), plain)
    #expect(maps.weights.count == 3)
    for layer in 0..<3 {
      let name = "blocks.\(layer)"
      let input = norm == .pre ? LayerNorm.reference(x, name + ".attentionNorm", epsilon: 1e-5, plain) : x
      let projections = Linear.reference(input, name + ".attention.queryKeyValue", plain)
      let expected = ScaledDotProductAttention.reference(
        query: projections.columns(0..<12), key: projections.columns(12..<24), value: projections.columns(24..<36),
        AttentionShape(heads: 2, headWidth: 6), mask: .causal
      ).weights
      #expect(maps.weights[layer].count == 2)
      for head in 0..<2 {
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
