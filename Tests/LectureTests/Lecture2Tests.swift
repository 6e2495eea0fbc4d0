import MiniGPTGeneration
import MiniGPTTensors
import Testing
import MiniGPTTraining
import MiniGPTTransformer

/// Items 31 to 56: language models, attention as a layer, and what a block is made of. `Docs/Lecture.md` has the list.
@Suite struct Lecture2Tests {
  private static let small = GPTConfiguration(
    vocabularySize: 4, context: 8, layers: 2, heads: 2, width: 8, feedForwardWidth: 12, positions: .sinusoidal)

  // MARK: - A language model is a distribution

  /// The probability of every text of four symbols, by the model: the product of its conditionals.
  private func joint() -> [[Int]: Double] {
    let parameters = parameters(GPT(Self.small).layout)
    var result: [[Int]: Double] = [:]
    for number in 0..<256 {
      let text = [number / 64, number / 16 % 4, number / 4 % 4, number % 4]
      // Symbol 0 in front is where a text begins.
      let rows = logits([0] + text, Self.small, parameters)
      result[text] = text.indices.map { softmax(rows.row($0))[text[$0]] }.reduce(1, *)
    }
    return result
  }

  /// 36: with V = 4 and T = 4 the 256 probabilities sum to one, and a conditional is a ratio of two joint ones.
  @Test func languageModelIsAJointDistribution() throws {
    let joint = joint()
    #expect(abs(joint.values.reduce(0, +) - 1) < 1e-12)
    func marginal(_ beginning: [Int]) -> Double {
      joint.filter { $0.key.starts(with: beginning) }.values.reduce(0, +)
    }
    let conditional = softmax(logits([0, 2, 1], Self.small, parameters(GPT(Self.small).layout)).row(2))
    for symbol in 0..<4 {
      #expect(abs(marginal([2, 1, symbol]) / marginal([2, 1]) - conditional[symbol]) < 1e-12)
    }
  }

  /// 37: log P(x₁ … x_T) = Σ log P(x_t | x₁ … x_{t-1}).
  @Test func chainRule() throws {
    let text = [3, 1, 0, 2], parameters = parameters(GPT(Self.small).layout)
    let sum = text.indices.map { t in
      Double.log(softmax(logits([0] + text[..<t], Self.small, parameters).row(t))[text[t]])
    }.reduce(0, +)
    let joint = try #require(joint()[text])
    #expect(abs(sum - Double.log(joint)) < 1e-12)
  }

  /// 38: training predicts the next symbol: the loss of a text is the mean of -log P(next); sampling feeds back.
  @Test func predictsTheNextAndFeedsBack() {
    let parameters = parameters(GPT(Self.small).layout)
    var text = [0]
    for _ in 0..<5 {
      let row = logits(text, Self.small, parameters).row(text.count - 1)
      text.append(row.indices.max { row[$0] < row[$1] } ?? 0)
    }
    // What was said step by step is what the whole text's rows say.
    let rows = logits(text, Self.small, parameters)
    for t in 0..<5 { #expect(rows.row(t).indices.max { rows[t, $0] < rows[t, $1] } == text[t + 1]) }
  }

  /// 40: any length without more parameters, where positions are sines; a learned table grows.
  @Test func parametersDoNotDependOnLength() {
    var short = Self.small, long = Self.small
    (short.context, long.context) = (8, 8_000)
    #expect(short.parameterCount == long.parameterCount)
    (short.positions, long.positions) = (.learned, .learned)
    #expect(long.parameterCount - short.parameterCount == 7_992 * 8)
  }

  // MARK: - Attention as a layer

  /// 43: h₁ = Σⱼ softmax(s₁)ⱼ vⱼ with s₁ⱼ = kⱼᵀ q₁ / √length(k).
  @Test func attentionInOneLine() {
    let q = [1.0, 0, 1, 0], k = [[2.0, 1, 0, 1], [0, 3, 2, 0]], v = [[1.0, 5], [3, 1]]
    let s = k.map { dot($0, q) / Double($0.count).squareRoot() }
    #expect(s == [1, 1])
    let h = (0..<2).map { i in zip(softmax(s), v).map { $0 * $1[i] }.reduce(0, +) }
    #expect(h == [2, 3])
  }

  /// 44: every head has queries, keys and values of D / h channels, and all heads together D.
  @Test func headsShareTheWidth() throws {
    let configuration = GPTConfiguration(vocabularySize: 9, context: 4, layers: 1, heads: 8, width: 512)
    let layout = GPT(configuration).layout
    let projections = try #require(layout["blocks.0.attention.queryKeyValue.weight"])
    let output = try #require(layout["blocks.0.attention.output.weight"])
    #expect(projections.shape == [512, 3 * 8 * 64])
    #expect(output.shape == [8 * 64, 512])
    let mixed = attend(numbers(3, 512, 1), numbers(3, 512, 2), numbers(3, 512, 3), heads: 8)
    #expect(mixed.weights.count == 8 && mixed.output.columns == 512)
  }

  /// 45: differentiable: a step against the slope lowers the loss by what the slope says. Parallel: any query alone.
  @Test func differentiableAndParallel() {
    let k = numbers(4, 3, 2), v = numbers(4, 3, 3), q = numbers(2, 3, 1)
    func loss(_ q: PlainMatrix<Double>) -> Double { attend(q, k, v).output.elements.map { $0 * $0 }.reduce(0, +) }
    let slopes = q.elements.indices.map { i in
      var up = q, down = q
      up.elements[i] += 1e-6
      down.elements[i] -= 1e-6
      return (loss(up) - loss(down)) / 2e-6
    }
    var moved = q
    for i in slopes.indices { moved.elements[i] -= 1e-3 * slopes[i] }
    let fall = loss(q) - loss(moved), expected = 1e-3 * dot(slopes, slopes)
    #expect(expected > 0 && abs(fall - expected) < 0.01 * expected)
    let both = attend(q, k, v).output
    for t in 0..<2 { #expect(attend(q.rows(t..<t + 1), k, v).output == both.rows(t..<t + 1)) }
  }

  /// 32: the gradient against the distance: through a recurrent network it vanishes, through attention it does not.
  @Test func gradientsThroughDistance() {
    // dh_d / dh_0 of h ← tanh(w h), w = 0.9, as a product of slopes; attention over d equal keys gives 1 / d.
    func recurrent(_ distance: Int) -> Double {
      var h = 0.5, slope = 1.0
      for _ in 0..<distance {
        h = Double.tanh(0.9 * h)
        slope *= 0.9 * (1 - h * h)
      }
      return slope
    }
    func attention(_ distance: Int) -> Double {
      let v = PlainMatrix<Double>(distance, 1), one = PlainMatrix<Double>(distance, 1) { row, _ in row == 0 ? 1 : 0 }
      let keys = PlainMatrix<Double>(distance, 1) { _, _ in 1 }, query = matrix([[1]])
      return attend(query, keys, one).output[0, 0] - attend(query, keys, v).output[0, 0]
    }
    #expect(recurrent(8) > 0.1 && recurrent(100) < 1e-4)
    for distance in [8, 100, 400] { #expect(abs(attention(distance) - 1 / Double(distance)) < 1e-12) }
  }

  // MARK: - The block

  /// 48 and 93: after γ (H - μ) / σ + β the row's mean is β and its deviation γ.
  @Test func layerNormMovesMeanAndDeviation() {
    let x = numbers(4, 200, 1).map { 30 * $0 + 7 }
    let norm = PlainParameters<Double>([
      "n.gain": PlainMatrix(1, 200) { _, _ in 2.5 }, "n.bias": PlainMatrix(1, 200) { _, _ in -4 },
    ])
    let y = LayerNorm.reference(x, "n", epsilon: 1e-5, norm)
    for t in 0..<4 {
      let mean = y.row(t).reduce(0, +) / 200
      let variance = y.row(t).map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / 200
      #expect(abs(mean + 4) < 1e-10)
      #expect(abs(variance.squareRoot() - 2.5) < 1e-6)
    }
  }

  /// 49 and 92: H' = H(x) + x: with weights of zero the residual r is 0 and the block is the identity.
  @Test func identityIsEasy() {
    let configuration = Self.small, layout = GPT(configuration).layout
    var zeros = parameters(layout)
    for parameter in layout.parameters where parameter.name.hasPrefix("blocks.0.") && parameter.start != .ones {
      zeros.matrices[parameter.name] = PlainMatrix(parameter.slot.rows, parameter.slot.columns)
    }
    let x = numbers(5, 8, 1)
    let y = Block.reference(x, .decoderAlone, length: 5, configuration.blockShape, zeros.part("blocks.0"))
    #expect(y == x)
    let other = Block.reference(x, .decoderAlone, length: 5, configuration.blockShape, zeros.part("blocks.1"))
    #expect(difference(other, x) > 0.1)
  }

  /// 47: fixed or learned: what positions add stands apart from the word, x' = x + p.
  @Test(arguments: Positions.allCases) func positionsAreAdded(positions: Positions) {
    var configuration = Self.small
    configuration.positions = positions
    let layout = GPT(configuration).layout, parameters = parameters(layout)
    func embed(_ ids: [Int]) -> PlainMatrix<Double> {
      Embedding.reference(ids, length: ids.count, fixed: configuration.sinusoids(ids.count), parameters)
    }
    let one = embed([1, 1, 1]), two = embed([2, 2, 2])
    for t in 1..<3 {
      let p = zip(one.row(t), one.row(0)).map { $0 - $1 }, other = zip(two.row(t), two.row(0)).map { $0 - $1 }
      #expect(difference(p, other) < 1e-14)
      #expect((p.map(abs).max() ?? 0 > 1e-3) == (positions.table != nil))
    }
    #expect((layout["positionEmbedding"] != nil) == (positions == .learned))
  }

  /// 39: "sampling is not always the best thing to do": greedy takes the likeliest, low temperatures lean to it.
  @Test func temperatureLeansToTheLikeliest() {
    let scores = [2.0, 1, 0, -1]
    func share(_ temperature: Double) -> Double { softmax(scores.map { $0 / temperature })[0] }
    #expect(abs(share(1) - 0.6439) < 5e-5)
    #expect(share(0.5) > 0.86 && share(0.1) > 0.9999 && share(100) < 0.26)
  }
}
