import MiniGPTTensors
import MiniGPTTestSupport
import Testing
import MiniGPTTransformer

@Suite struct ScaledDotProductAttentionTests {
  /// Runs one call forward and returns output and log-sums.
  private func attend(
    _ heads: Int, _ mask: AttentionMask, query: [Float], key: [Float], value: [Float], width: Int, queryLength: Int,
    keyLength: Int, batch: Int = 1, set: InstructionSet = .best
  ) throws -> (output: [Float], logSums: [Float]) {
    var plan = MemoryPlan()
    let q = plan.take(batch * queryLength, width), k = plan.take(batch * keyLength, width)
    let v = plan.take(batch * keyLength, width), o = plan.take(batch * queryLength, width)
    let logSums = plan.take(batch * heads, queryLength)
    plan.needScratch(ScaledDotProductAttention.scratch(width: width / heads, keyLength: keyLength))
    let memory = try makeMemory(ParameterLayout(), plan, set: set)
    memory.write(q, query)
    memory.write(k, key)
    memory.write(v, value)
    ScaledDotProductAttention(heads: heads, mask: mask).forward(
      .init(
        query: q, key: k, value: v, queries: Sequences(count: batch, length: queryLength),
        keys: Sequences(count: batch, length: keyLength)), into: o, logSums: logSums, dropout: nil, in: memory)
    return (memory.read(o), memory.read(logSums))
  }

  /// q·k₁ = 112 and q·k₂ = 96 with D = 64: scores 14 and 12, weights 0.88 and 0.12.
  @Test(arguments: InstructionSet.available) func numbersOfTheLecture(set: InstructionSet) throws {
    let query = [Float](repeating: 1, count: 64)
    let key = [Float](repeating: 1.75, count: 64) + [Float](repeating: 1.5, count: 64)
    // The first value is all ones, the second all zeros: the output is the first weight.
    let value = [Float](repeating: 1, count: 64) + [Float](repeating: 0, count: 64)
    let (output, logSums) = try attend(
      1, .full, query: query, key: key, value: value, width: 64, queryLength: 1, keyLength: 2, set: set)
    #expect(output.allSatisfy { abs($0 - 0.8808) < 5e-5 })
    #expect(abs(logSums[0] - 14.126_928) < 1e-5)
    let reference = ScaledDotProductAttention.reference(
      query: PlainMatrix(1, 64, query.map(Double.init)), key: PlainMatrix(2, 64, key.map(Double.init)),
      value: PlainMatrix(2, 64, value.map(Double.init)),
      AttentionShape(heads: 1, headWidth: 64), mask: .full)
    #expect(abs(reference.weights[0][0, 0] - 0.8808) < 5e-5)
    #expect(abs(reference.weights[0][0, 1] - 0.1192) < 5e-5)
  }

  @Test(arguments: [AttentionMask.causal, .full]) func weightsSumToOneAndSeeWhatTheMaskAllows(mask: AttentionMask) {
    let q = PlainMatrix(2 * 5, 6, numbers(60, 1).map(Double.init))
    let k = PlainMatrix(2 * 5, 6, numbers(60, 2).map(Double.init))
    let weights = ScaledDotProductAttention.reference(
      query: q, key: k, value: k, texts: 2, AttentionShape(heads: 3, headWidth: 2), mask: mask
    ).weights
    #expect(weights.count == 6)
    for matrix in weights {
      for t in 0..<5 {
        #expect(abs(matrix.row(t).reduce(0, +) - 1) < 1e-14)
        for s in 0..<5 { #expect((matrix[t, s] > 0) == mask.allows(query: t, key: s)) }
      }
    }
  }

  /// Values that are all one stay one: the weights of the fast path sum to 1, over tiles' edges too.
  @Test(arguments: InstructionSet.available, [1, 63, 64, 65, 129])
  func weightsOfTheFastPathSumToOne(set: InstructionSet, length: Int) throws {
    for mask in [AttentionMask.causal, .full] {
      let output = try attend(
        2, mask, query: numbers(length * 6, 1, scale: 8), key: numbers(length * 6, 2, scale: 8),
        value: [Float](repeating: 1, count: length * 6), width: 6, queryLength: length, keyLength: length, set: set
      ).output
      #expect(output.allSatisfy { abs($0 - 1) < 2e-6 }, "\(mask)")
    }
  }

  /// An average lies between the least and the most of what it averages.
  @Test(arguments: InstructionSet.available) func outputLiesWithinTheValuesSeen(set: InstructionSet) throws {
    let length = 70, width = 6, value = numbers(length * width, 3, scale: 5)
    let output = try attend(
      3, .causal, query: numbers(length * width, 1, scale: 4), key: numbers(length * width, 2, scale: 4), value: value,
      width: width, queryLength: length, keyLength: length, set: set
    ).output
    for channel in 0..<width {
      var least = Float.infinity, most = -Float.infinity
      for t in 0..<length {
        least = min(least, value[t * width + channel])
        most = max(most, value[t * width + channel])
        let found = output[t * width + channel]
        #expect(found >= least - 1e-5 && found <= most + 1e-5, "[\(t), \(channel)]")
      }
    }
    // The first token sees itself alone.
    #expect(distance(Array(output[..<width]), Array(value[..<width])) < 1e-6)
  }

  /// The encoder-decoder's case: more keys than queries, and fewer.
  @Test(arguments: InstructionSet.available, [(3, 70), (70, 3), (65, 129)])
  func queriesAndKeysOfDifferentLengths(set: InstructionSet, lengths: (Int, Int)) throws {
    let (queries, keys) = lengths, width = 10, batch = 2
    let q = numbers(batch * queries * width, 1, scale: 2), k = numbers(batch * keys * width, 2, scale: 2)
    let v = numbers(batch * keys * width, 3)
    let (output, logSums) = try attend(
      2, .full, query: q, key: k, value: v, width: width, queryLength: queries, keyLength: keys, batch: batch, set: set)
    let expected = ScaledDotProductAttention.reference(
      query: PlainMatrix(batch * queries, width, q.map(Double.init)),
      key: PlainMatrix(batch * keys, width, k.map(Double.init)),
      value: PlainMatrix(batch * keys, width, v.map(Double.init)), texts: batch,
      AttentionShape(heads: 2, headWidth: width / 2),
      mask: .full
    ).output
    #expect(distance(output.map(Double.init), expected.elements) < 2e-6)
    #expect(logSums.allSatisfy { $0.isFinite })
  }

  /// Scores of some hundreds would overflow exp; the running maximum keeps them in range.
  @Test(arguments: InstructionSet.available) func largeScoresStayFinite(set: InstructionSet) throws {
    let length = 130, width = 4
    let key = numbers(length * width, 2, scale: 60), query = numbers(length * width, 1, scale: 60)
    let value = numbers(length * width, 3)
    let output = try attend(
      1, .causal, query: query, key: key, value: value, width: width, queryLength: length, keyLength: length, set: set
    ).output
    let expected = ScaledDotProductAttention.reference(
      query: PlainMatrix(length, width, query.map(Double.init)), key: PlainMatrix(length, width, key.map(Double.init)),
      value: PlainMatrix(length, width, value.map(Double.init)), AttentionShape(heads: 1, headWidth: width),
      mask: .causal
    ).output
    // Scores of 10⁴ carry an error of 10⁻³ into the exponent.
    #expect(distance(output.map(Double.init), expected.elements) < 1e-3)
  }

  /// A head of many computes what it would compute alone.
  @Test(arguments: InstructionSet.available) func everyHeadIsAttentionOfItsOwn(set: InstructionSet) throws {
    let length = 67, width = 12, heads = 3, channels = 4
    let all = (1...3).map { numbers(length * width, $0) }
    let together = try attend(
      heads, .causal, query: all[0], key: all[1], value: all[2], width: width, queryLength: length, keyLength: length,
      set: set
    ).output
    func cut(_ x: [Float], _ head: Int) -> [Float] {
      PlainMatrix(length, width, x).columns(head * channels..<(head + 1) * channels).elements
    }
    for head in 0..<heads {
      let alone = try attend(
        1, .causal, query: cut(all[0], head), key: cut(all[1], head), value: cut(all[2], head), width: channels,
        queryLength: length, keyLength: length, set: set
      ).output
      #expect(bits(cut(together, head)) == bits(alone), "head \(head)")
    }
  }

  /// Where every matrix is the unit matrix, MultiHead with one head is Attention(x, x, x).
  @Test func multiHeadWithOneHeadIsAttention() throws {
    let length = 9, width = 6
    var layout = ParameterLayout()
    let shape = GPTConfiguration(vocabularySize: 5, context: length, layers: 1, heads: 1, width: width).blockShape
    let layer = MultiHeadAttention("a", shape, mask: .causal, dropoutSite: 1, in: &layout)
    var plan = MemoryPlan()
    let x = plan.take(length, width), y = plan.take(length, width)
    let workspace = MultiHeadAttention.Workspace(rows: length, shape, .inference, in: &plan)
    let saved = MultiHeadAttention.Saved(rows: length, shape, workspace, in: &plan)
    let memory = try makeMemory(layout, plan), values = numbers(x.count, 1)
    for parameter in layout.parameters { memory.fill(parameter.slot, 0) }
    for channel in 0..<width {
      for part in 0..<3 { memory.setValue(layer.queryKeyValue.weight, channel, part * width + channel, 1) }
      memory.setValue(layer.output.weight, channel, channel, 1)
    }
    memory.write(x, values)
    layer.forward(x, into: y, saved, Pass(Sequences(count: 1, length: length), in: memory))
    let plain = try attend(
      1, .causal, query: values, key: values, value: values, width: width, queryLength: length, keyLength: length)
    #expect(memory.read(y) == plain.output)
  }
}
