import MiniGPTParallel
import MiniGPTTensors
import Testing
import MiniGPTTraining
import MiniGPTTransformer

@Suite(.serialized) struct BatchGradientTests {
  static let shape = GPTConfiguration(vocabularySize: 11, context: 1500, layers: 1, heads: 1, width: 8)

  /// Loss and gradient of samples `range` of some made-up texts, computed as one batch.
  static func gradient(_ range: Range<Int>, threads: Int) throws -> (loss: Double, gradient: [Float], chunk: Int) {
    let model = GPT(shape), batch = BatchGradient(model, batch: range.count)
    let memory = Memory(
      parameters: ParameterStorage(count: model.layout.count), trains: true, activations: batch.activations.count,
      indices: batch.activations.indexCount, scratch: model.scratch(length: shape.context),
      pool: WorkerPool(threads: threads), kernels: try #require(InstructionSet.best.kernels))
    Initialization.run(model.layout, seed: 3, in: memory)
    memory.clearGradients()
    let length = shape.context
    let loss = batch.add(scale: 1e-3, dropout: { _ in nil }, in: memory) { ids, targets, first in
      for i in 0..<ids.count {
        let place = (range.lowerBound + first) * length + i
        memory.setIndex(ids, i, Int32(place * 7 % 11))
        memory.setIndex(targets, i, Int32(place * 5 % 9))
      }
    }
    return (
      loss, memory.read(Slot(.gradients, offset: 0, rows: 1, columns: model.layout.count)), batch.activations.batch
    )
  }

  @Test func chunksAddUpToTheBatch() throws {
    let whole = try Self.gradient(0..<5, threads: 1)
    #expect(whole.chunk == 2)  // two, two and one
    var loss = 0.0, sum = [Float](repeating: 0, count: whole.gradient.count)
    for sample in 0..<5 {
      let one = try Self.gradient(sample..<sample + 1, threads: 1)
      loss += one.loss
      for i in sum.indices { sum[i] += one.gradient[i] }
    }
    #expect(abs(whole.loss - loss) < 1e-6 * loss)
    let largest = try #require(sum.map { abs($0) }.max())
    let worst = try #require(zip(whole.gradient, sum).map { abs($0 - $1) }.max())
    #expect(largest > 0.01 && worst < 1e-5 * largest)
  }

  @Test func bitsDoNotDependOnThreads() throws {
    let one = try Self.gradient(0..<3, threads: 1), three = try Self.gradient(0..<3, threads: 3)
    #expect(one.loss == three.loss && one.gradient == three.gradient)
  }

  @Test func chunksHoldWholeSamples() {
    #expect(BatchGradient.chunks(batch: 64, length: 256) == 4)
    #expect(BatchGradient.chunks(batch: 12, length: 64) == 1)
    #expect(BatchGradient.chunks(batch: 3, length: 8192) == 3)
    #expect(BatchGradient.chunks(batch: 17, length: 256) == 2)
  }
}
