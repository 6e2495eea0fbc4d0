import MiniGPTParallel
import MiniGPTTensors
import Testing
import MiniGPTTraining
import MiniGPTTransformer

/// The loss in slices, with and without label smoothing, against the formula in double precision.
@Suite struct TokenLossTests {
  @Test(arguments: InstructionSet.available, [Float(0), 0.1, 0.4])
  func isTheFormula(set: InstructionSet, smoothing: Float) throws {
    let rows = 11, width = 5, ids = 13, scale: Float = 0.37
    var layout = ParameterLayout()
    let table = layout.matrix("table", ids, width, start: .zeros)
    var planner = SlotPlanner(.activations)
    let hidden = planner.take(rows, width), gradient = planner.take(rows, width)
    let logits = planner.take(4, ids), losses = planner.take(rows, 1)
    let memory = Memory(
      parameters: ParameterStorage(count: layout.count), trains: true, activations: planner.count, indices: rows,
      scratch: 0, pool: WorkerPool(threads: 2), kernels: try #require(set.kernels))
    let stream = RandomStream(seed: 3, .dropout, place: 3)
    for (index, slot) in [table, hidden].enumerated() {
      memory.write(slot, (0..<slot.count).map { Float(4 * stream.uniform($0, step: index) - 2) })
    }
    let targets = IndexSlot(offset: 0, count: rows)
    // Two rows are padding.
    for row in 0..<rows { memory.setIndex(targets, row, row % 5 == 3 ? -1 : Int32(row * 7 % ids)) }
    let loss = TokenLoss(
      projection: OutputProjection(tiedTo: table), hidden: hidden, gradient: gradient, logits: logits, targets: targets,
      losses: losses)
    loss.forwardAndBackward(scale: scale, smoothing: smoothing, in: memory)
    let found = (memory.read(losses), memory.read(gradient))
    if smoothing == 0 {
      loss.forward(in: memory)
      #expect(memory.read(losses) == found.0)
    }

    let e = memory.read(table).map(Double.init), x = memory.read(hidden).map(Double.init)
    for row in 0..<rows {
      let target = Int(memory.index(targets, row))
      let scores = (0..<ids).map { id in (0..<width).reduce(0) { $0 + e[id * width + $1] * x[row * width + $1] } }
      let logSum = Double.log(scores.reduce(0) { $0 + Double.exp($1) })
      var wanted = [Double](repeating: Double(smoothing) / Double(ids), count: ids)
      if target >= 0 { wanted[target] += 1 - Double(smoothing) }
      let expected = target < 0 ? 0 : (0..<ids).reduce(0) { $0 + wanted[$1] * (logSum - scores[$1]) }
      #expect(abs(Double(found.0[row]) - expected) < 1e-5, "row \(row)")
      for channel in 0..<width {
        let slope =
          target < 0
          ? 0
          : (0..<ids).reduce(0) { $0 + (Double.exp(scores[$1] - logSum) - wanted[$1]) * e[$1 * width + channel] }
        #expect(abs(Double(found.1[row * width + channel]) - Double(scale) * slope) < 1e-5, "row \(row)")
      }
    }
  }
}
