import MiniGPTEvaluation
import MiniGPTParallel
import MiniGPTTensors
import Testing
import MiniGPTTransformer

@Suite struct NearestTokensTests {
  @Test func areThoseThatPointTheSameWay() {
    let model = GPT(GPTConfiguration(vocabularySize: 600, context: 4, layers: 1, heads: 1, width: 2))
    let memory = Memory(MemoryPlan(), ParameterStorage(count: model.layout.count), on: .plain())
    // All point up, but for these; lengths do not count.
    var table: [Float] = (0..<600).flatMap { _ -> [Float] in [0, 1] }
    for (id, x, y) in [(3, 1, 0), (7, 2, 0.1), (300, 5, 1), (599, -4, 0), (5, 0, 0)] as [(Int, Float, Float)] {
      table[2 * id] = x
      table[2 * id + 1] = y
    }
    memory.write(model.decoder.embedding.table, table)
    let near = NearestTokens.of(3, count: 4, model, in: memory)
    #expect(near.map(\.id) == [7, 300, 0, 1])
    #expect(abs(near[0].cosine - 2 / (4.01).squareRoot()) < 1e-6)
    let all = NearestTokens.of(3, count: 1000, model, in: memory)
    #expect(all.count == 599 && all.last == NearestTokens.Neighbour(id: 599, cosine: -1))
    #expect(all.first { $0.id == 5 }?.cosine == 0)
  }
}
