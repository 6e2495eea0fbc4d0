import MiniGPTCheckpoints
import MiniGPTDatasets
import MiniGPTParallel
import MiniGPTTensors
import MiniGPTTestSupport
import Testing
import MiniGPTEvaluation
import MiniGPTTransformer

@Suite struct HeldOutLossTests {
  static let shape = GPTConfiguration(
    vocabularySize: 19, context: 7, layers: 2, heads: 2, width: 12, feedForwardWidth: 21)
  /// The last id is `<|endoftext|>`, which stands for no byte.
  static let byteLengths: [Int32] = (0..<19).map { $0 == 18 ? 0 : Int32(1 + $0 % 3) }

  private func evaluate(
    _ ids: [Int32], batch: Int, threads: Int = 2, stride: Int? = nil, progress: (Double) -> Bool = { _ in true }
  ) throws -> EvaluationResult? {
    let capacity = TextBatch.Capacity(windows: batch, length: Self.shape.context)
    let workspace = try workspace(capacity, threads: threads)
    return HeldOutLoss.run(
      GPT(Self.shape), workspace, on: HeldOutText(try TokenSequence.of(ids), capacity, stride: stride),
      byteLengths: Self.byteLengths, seen: { _ in }, progress: progress)
  }

  private func workspace(_ capacity: TextBatch.Capacity, threads: Int) throws -> TrainingWorkspace<GPT> {
    let model = GPT(Self.shape)
    let workspace = TrainingWorkspace(
      model, capacity, .inference, ParameterStorage(count: model.layout.count),
      on: Processor(WorkerPool(threads: threads), try #require(InstructionSet.best.kernels)))
    let memory = workspace.memory
    let stream = RandomStream(seed: 4, .dropout, place: 1)
    for parameter in model.layout.parameters {
      let slot = parameter.slot
      memory.write(slot, (0..<slot.count).map { Float(stream.uniform(slot.offset + $0) - 0.4) })
    }
    return workspace
  }

  /// The definition, window by window in double precision.
  private func reference(_ ids: [Int32]) throws -> (tokens: Int, bytes: Int, loss: Double) {
    let model = GPT(Self.shape)
    let capacity = TextBatch.Capacity(windows: 1, length: 7)
    let plain = PlainParameters<Double>(model.layout, in: try workspace(capacity, threads: 1).memory)
    var total = 0.0, tokens = 0, bytes = 0, start = 0
    while start + 1 < ids.count {
      let inputs = ids[start..<min(start + 7, ids.count - 1)].map { Int($0) }
      let hidden = GPT.reference(inputs, length: inputs.count, Self.shape, plain)
      let logits = hidden * plain.matrix("tokenEmbedding").transposed
      for t in inputs.indices {
        let row = logits.row(t), target = Int(ids[start + t + 1]), most = row.max() ?? 0
        total += most + Double.log(row.map { Double.exp($0 - most) }.reduce(0, +)) - row[target]
        bytes += Int(Self.byteLengths[target])
        tokens += 1
      }
      start += 7
    }
    return (tokens, bytes, total / Double(max(1, tokens)))
  }

  /// Token by token, each from the tokens before it in the window that is to predict it.
  private func reference(_ ids: [Int32], stride: Int) throws -> (bytes: Int, loss: Double) {
    let plain = PlainParameters<Double>(
      GPT(Self.shape).layout, in: try workspace(TextBatch.Capacity(windows: 1, length: 7), threads: 1).memory)
    var total = 0.0, bytes = 0
    for place in 1..<ids.count {
      let window = place <= 7 ? 0 : (place - 7 + stride - 1) / stride
      let inputs = ids[window * stride..<place].map { Int($0) }
      #expect(inputs.count > min(7 - stride, place - 1) && inputs.count <= 7)
      let hidden = GPT.reference(inputs, length: inputs.count, Self.shape, plain)
      let row = (hidden * plain.matrix("tokenEmbedding").transposed).row(inputs.count - 1)
      let target = Int(ids[place]), most = row.max() ?? 0
      total += most + Double.log(row.map { Double.exp($0 - most) }.reduce(0, +)) - row[target]
      bytes += Int(Self.byteLengths[target])
    }
    return (bytes, total / Double(ids.count - 1))
  }

  private func text(_ count: Int) -> [Int32] {
    let stream = RandomStream(seed: 9, .dropout, place: 1)
    return (0..<count).map { $0 % 11 == 10 ? 18 : Int32(stream.integer(below: 19, $0)) }
  }

  /// Texts that end with a window, one token before and one behind, and the shortest there is.
  @Test(arguments: [2, 3, 7, 8, 9, 15, 16, 29, 30, 50]) func isTheDefinition(count: Int) throws {
    let expected = try reference(text(count))
    let found = try #require(try evaluate(text(count), batch: 2))
    #expect(found.tokens == expected.tokens && found.tokens == count - 1)
    #expect(found.bytes == expected.bytes)
    #expect(abs(found.loss - expected.loss) < 1e-6 * expected.loss)
  }

  @Test func batchAndThreadsChangeNoBit() throws {
    let one = try evaluate(text(101), batch: 1, threads: 1)
    for batch in [2, 3, 5, 40] {
      for threads in 1...3 { #expect(try evaluate(text(101), batch: batch, threads: threads) == one) }
    }
  }

  @Test(arguments: [2, 7, 8, 9, 10, 15, 23, 50], [1, 2, 3, 6, 7])
  func overlappingWindowsPredictEachTokenOnce(count: Int, stride: Int) throws {
    let expected = try reference(text(count), stride: stride)
    let found = try #require(try evaluate(text(count), batch: 3, stride: stride))
    #expect(found.tokens == count - 1 && found.bytes == expected.bytes)
    #expect(abs(found.loss - expected.loss) < 1e-6 * expected.loss)
    if stride == 7 { #expect(try evaluate(text(count), batch: 3) == found) }
  }

  @Test(arguments: [1, 3, 6]) func batchAndThreadsChangeNoBitOfOverlappingWindows(stride: Int) throws {
    let one = try evaluate(text(60), batch: 1, threads: 1, stride: stride)
    for batch in [2, 5, 40] { #expect(try evaluate(text(60), batch: batch, stride: stride) == one) }
  }

  /// The first token is seen, but not predicted; the end of a text is predicted, but stands for no byte.
  @Test func countsTheBytesOfWhatIsPredicted() throws {
    let result = try #require(try evaluate([2, 0, 18, 1, 18], batch: 1))
    #expect(result.tokens == 4)
    #expect(result.bytes == 1 + 0 + 2 + 0)
    let nothing = try #require(try evaluate([2, 18], batch: 1))
    #expect(nothing.bytes == 0 && nothing.bitsPerByte.isNaN)
  }

  @Test func perplexityAndBitsPerByteFollow() throws {
    let result = try #require(try evaluate(text(50), batch: 1))
    #expect(abs(result.perplexity - Double.exp(result.loss)) < 1e-9)
    let bits = result.loss * 49 / Double.log(2) / Double(result.bytes)
    #expect(abs(result.bitsPerByte - bits) < 1e-12)
  }

  @Test func saysHowFarItIsAndStops() throws {
    var parts: [Double] = []
    _ = try evaluate(text(30), batch: 2) {
      parts.append($0)
      return true
    }
    #expect(parts == [1.0 / 3, 2.0 / 3, 1])
    #expect(try evaluate(text(30), batch: 2) { $0 < 0.5 } == nil)
  }

  @Test func aTextWithoutPredictionsHasNone() throws {
    #expect(try evaluate([3], batch: 1)?.tokens == 0)
    #expect(try evaluate([], batch: 1)?.tokens == 0)
  }
}
