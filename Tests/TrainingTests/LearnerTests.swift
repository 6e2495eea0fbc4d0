import MiniGPTCheckpoints
import MiniGPTDatasets
import MiniGPTParallel
import MiniGPTTensors
import MiniGPTTraining
import MiniGPTTransformer
import Testing

@Suite(.serialized) struct LearnerTests {
  static let shape = GPTConfiguration(vocabularySize: 11, context: 1500, layers: 1, heads: 1, width: 8)

  /// Samples `range` of some made-up texts as one batch.
  private struct MadeUp: BatchSource {
    typealias HeldOut = HeldOutText
    let range: Range<Int>
    let capacity: TextBatch.Capacity
    var turns: Int { 1 }
    var chunks: Int { (range.count + capacity.windows - 1) / capacity.windows }
    var scaling: LossScaling { .before(predictions: 1000) }
    var heldOut: HeldOutText? { nil }

    init(_ range: Range<Int>) {
      self.range = range
      capacity = TextWindows.capacity(context: shape.context, batchSize: range.count)
    }

    func fill(_ place: UpdatePlace, into places: TextBatch.Places, in memory: Memory) -> SampledBatch<TextBatch> {
      let first = place.chunk * capacity.windows, batch = places.batch(min(capacity.windows, range.count - first))
      for i in 0..<batch.targets.count {
        let place = (range.lowerBound + first) * shape.context + i
        memory.setIndex(batch.input.ids, i, Int32(place * 7 % 11))
        memory.setIndex(batch.targets, i, Int32(place * 5 % 9))
      }
      return SampledBatch(batch, firstSample: first, predictions: batch.targets.count)
    }
  }

  /// The sum of the losses, and the gradient of an update, computed as one batch.
  static func gradient(_ range: Range<Int>, threads: Int) throws -> (loss: Double, gradient: [Float], chunk: Int) {
    var configuration = TrainingConfiguration()
    (configuration.seed, configuration.learningRate, configuration.minimumLearningRate) = (3, 0, 0)
    let source = MadeUp(range), model = GPT(shape)
    let learner = Learner(
      model, on: source, configuration,
      processor: Processor(WorkerPool(threads: threads), try #require(InstructionSet.best.kernels)))
    let step = try #require(try learner.step(0))
    return (
      step.loss * Double(range.count * shape.context),
      learner.memory.read(Slot(.gradients, offset: 0, rows: 1, columns: model.layout.count)), source.capacity.windows
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
    func windows(_ batch: Int, _ length: Int) -> Int { TextWindows.capacity(context: length, batchSize: batch).windows }
    #expect(windows(64, 256) == 16)
    #expect(windows(12, 64) == 12)
    #expect(windows(3, 8192) == 1)
    #expect(windows(17, 256) == 9)
  }
}
