import MiniGPTTensors
import MiniGPTTestSupport
import Testing
import MiniGPTTransformer

/// Every layer against its plain reference in double precision, forward and backward, on shapes that are multiples of
/// nothing, on every instruction set.
@Suite struct LayerTests {
  /// Runs one layer both ways and compares.
  func check(
    _ comment: String, _ layout: ParameterLayout, rows: Int, inputs: Int, outputs: Int, set: InstructionSet,
    extra: (inout MemoryPlan) -> Void = { _ in }, tolerance: Double = 1e-5,
    reference: (PlainMatrix<Double>, PlainParameters<Double>) -> PlainMatrix<Double>,
    run: (_ x: Slot, _ y: Slot, _ dy: Slot, _ dx: Slot, Memory) -> Void
  ) throws {
    var plan = MemoryPlan()
    let x = plan.take(rows, inputs), dx = plan.take(rows, inputs)
    let y = plan.take(rows, outputs), dy = plan.take(rows, outputs)
    extra(&plan)
    let memory = try makeMemory(layout, plan, set: set)
    memory.write(x, numbers(x.count, 1))
    memory.write(dy, numbers(dy.count, 2))
    let weight = memory.read(dy).map(Double.init)
    let parameters = PlainParameters<Double>(layout, in: memory), input = plain(x, in: memory)
    run(x, y, dy, dx, memory)
    let expected = reference(input, parameters)
    #expect(distance(plain(y, in: memory).elements, expected.elements) < tolerance, "\(comment) forward, \(set)")
    let slopes = differences(parameters, input, weight: weight) { reference($1, $0) }
    expectGradients(layout, in: memory, equal: slopes.parameters, "\(comment), \(set)")
    #expect(
      distance(plain(dx, in: memory).elements, slopes.input) < gradientTolerance, "\(comment) by its input, \(set)")
  }

  @Test(arguments: InstructionSet.available) func linear(set: InstructionSet) throws {
    var layout = ParameterLayout()
    let linear = Linear("l", 7, 19, start: .zeros, in: &layout)
    try check("linear", layout, rows: 13, inputs: 7, outputs: 19, set: set) {
      Linear.reference($0, "l", $1)
    } run: { x, y, dy, dx, memory in
      linear.forward(x, into: y, in: memory)
      linear.backward(dy, x, into: dx, in: memory)
    }
  }

  @Test(arguments: InstructionSet.available) func layerNorm(set: InstructionSet) throws {
    var layout = ParameterLayout()
    let norm = LayerNorm("n", BlockConfiguration(heads: 1, width: 21), in: &layout)
    var statistics = Slot(.activations, offset: 0, rows: 0, columns: 0)
    try check("layer norm", layout, rows: 11, inputs: 21, outputs: 21, set: set) {
      statistics = $0.take(11, 2)
    } reference: {
      LayerNorm.reference($0, "n", epsilon: 1e-5, $1)
    } run: { x, y, dy, dx, memory in
      norm.forward(x, into: y, statistics: statistics, in: memory)
      let once = memory.read(y)
      norm.recompute(x, into: y, statistics: statistics, in: memory)
      #expect(memory.read(y) == once)
      norm.backward(dy, x, addTo: dx, statistics: statistics, in: memory)
    }
  }

  @Test(arguments: InstructionSet.available) func layersWithoutBiases(set: InstructionSet) throws {
    var block = BlockConfiguration(heads: 1, width: 21)
    block.hasBiases = false
    var layout = ParameterLayout()
    let linear = Linear("l", 7, 19, start: .zeros, hasBias: false, in: &layout)
    #expect(layout.parameters.map(\.name) == ["l.weight"])
    try check("linear without bias", layout, rows: 13, inputs: 7, outputs: 19, set: set) {
      Linear.reference($0, "l", $1)
    } run: { x, y, dy, dx, memory in
      linear.forward(x, into: y, in: memory)
      linear.backward(dy, x, into: dx, in: memory)
    }
    layout = ParameterLayout()
    let norm = LayerNorm("n", block, in: &layout)
    #expect(layout.parameters.map(\.name) == ["n.gain"])
    var statistics = Slot(.activations, offset: 0, rows: 0, columns: 0)
    try check("layer norm without bias", layout, rows: 11, inputs: 21, outputs: 21, set: set) {
      statistics = $0.take(11, 2)
    } reference: {
      LayerNorm.reference($0, "n", epsilon: 1e-5, $1)
    } run: { x, y, dy, dx, memory in
      norm.forward(x, into: y, statistics: statistics, in: memory)
      norm.backward(dy, x, addTo: dx, statistics: statistics, in: memory)
    }
  }

  @Test(arguments: InstructionSet.available, [1, 8, 21, 64]) func rmsNorm(set: InstructionSet, width: Int) throws {
    var block = BlockConfiguration(heads: 1, width: width)
    (block.normKind, block.normEpsilon) = (.rms, 1e-3)
    var layout = ParameterLayout()
    let norm = RMSNorm("n", block, in: &layout)
    #expect(layout.parameters.map(\.name) == ["n.gain"])
    var statistics = Slot(.activations, offset: 0, rows: 0, columns: 0)
    try check("RMS norm of \(width)", layout, rows: 11, inputs: width, outputs: width, set: set) {
      statistics = $0.take(11, 1)
    } reference: {
      RMSNorm.reference($0, gain: $1.row("n.gain"), epsilon: 1e-3)
    } run: { x, y, dy, dx, memory in
      norm.forward(x, into: y, statistics: statistics, in: memory)
      let once = memory.read(y)
      norm.recompute(x, into: y, statistics: statistics, in: memory)
      #expect(memory.read(y) == once)
      norm.backward(dy, x, addTo: dx, statistics: statistics, in: memory)
    }
  }

  @Test(arguments: InstructionSet.available, FeedForwardVariant.all)
  func feedForward(set: InstructionSet, variant: FeedForwardVariant) throws {
    let activation = variant.activation
    var configuration = GPTConfiguration(
      vocabularySize: 5, context: 9, layers: 1, heads: 3, width: 9, feedForwardWidth: 23, activation: activation)
    (configuration.block.isGated, configuration.block.hasBiases) = (variant.isGated, variant.hasBiases)
    var layout = ParameterLayout()
    let layer = FeedForward("f", configuration.blockShape, in: &layout)
    var saved: FeedForward.Saved?
    try check("feed-forward \(variant)", layout, rows: 10, inputs: 9, outputs: 9, set: set) { plan in
      let workspace = FeedForward.Workspace(rows: 10, configuration.blockShape, .training, in: &plan)
      saved = FeedForward.Saved(rows: 10, configuration.blockShape, workspace, in: &plan)
    } reference: {
      FeedForward.reference($0, "f", configuration.block, $1)
    } run: { x, y, dy, dx, memory in
      guard let saved else { return }
      let pass = Pass(Sequences(count: 1, length: 10), in: memory)
      layer.forward(x, into: y, saved, pass)
      layer.backward(dy, x, into: dx, saved, pass)
    }
  }

  /// Lengths on both sides of a tile of 64.
  @Test(arguments: InstructionSet.available, [1, 5, 64, 67])
  func multiHeadAttention(set: InstructionSet, length: Int) throws {
    let width = length < 10 ? 15 : 6
    try attention(set, length, BlockConfiguration(heads: 3, width: width))
  }

  /// What today's decoders do with heads, one thing at a time and all together, on heads of odd halves.
  @Test(arguments: InstructionSet.available, BlockVariant.all)
  func today(set: InstructionSet, variant: BlockVariant) throws {
    // Of a text of one token attention sees no queries: their gradients are nothing but noise.
    for length in [2, 67] { try attention(set, length, variant.block) }
  }

  private func attention(_ set: InstructionSet, _ length: Int, _ block: BlockConfiguration) throws {
    let batch = length < 10 ? 3 : 1, width = block.width, rows = batch * length
    let configuration = GPTConfiguration(vocabularySize: 5, context: length, layers: 1, block: block)
    var layout = ParameterLayout()
    let layer = MultiHeadAttention("a", configuration.blockShape, mask: .causal, dropoutSite: 1, in: &layout)
    var saved: MultiHeadAttention.Saved?
    // The table of turns, as `PositionTables` has it.
    var rotation: Slot?
    try check("attention over \(length)", layout, rows: rows, inputs: width, outputs: width, set: set) {
      if block.positions == .rotary { rotation = $0.take(length, block.attention.headWidth) }
      let workspace = MultiHeadAttention.Workspace(rows: rows, configuration.blockShape, .training, in: &$0)
      saved = MultiHeadAttention.Saved(rows: rows, configuration.blockShape, workspace, in: &$0)
    } reference: {
      MultiHeadAttention.reference($0, "a", length: length, configuration.block, mask: .causal, $1)
    } run: { x, y, dy, dx, memory in
      guard let saved else { return }
      if let rotation {
        let table: PlainMatrix<Float> = RotaryEmbedding.table(rows: length, block)
        memory.write(rotation, table.elements)
      }
      let pass = Pass(Sequences(count: batch, length: length), rotation: rotation, in: memory)
      layer.forward(x, into: y, saved, pass)
      layer.backward(dy, x, into: dx, saved, pass)
    }
  }

  @Test(arguments: NormPlacement.allCases) func decoderBlock(norm: NormPlacement) throws {
    let configuration = GPTConfiguration(
      vocabularySize: 5, context: 7, layers: 1, heads: 2, width: 10, feedForwardWidth: 17, norm: norm)
    var layout = ParameterLayout()
    let block = Block("b", .decoderAlone, configuration.blockShape, firstSite: 1, in: &layout)
    let rows = Block.Rows(2 * 7)
    var saved: Block.Saved?
    try check("block, \(norm)-norm", layout, rows: rows.target, inputs: 10, outputs: 10, set: .best) {
      let workspace = Block.Workspace(rows, configuration.blockShape, .training, in: &$0)
      saved = Block.Saved(rows, configuration.blockShape, workspace, in: &$0)
    } reference: {
      Block.reference($0, .decoderAlone, length: 7, configuration.blockShape, $1.part("b"))
    } run: { x, y, dy, dx, memory in
      guard let saved else { return }
      let pass = Pass(Sequences(count: 2, length: 7), in: memory)
      block.forward(x, into: y, saved, pass)
      memory.copy(dx, dy)
      block.backward(dx, x, saved, pass)
    }
  }
}
