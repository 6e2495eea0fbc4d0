import MiniGPTParallel
import MiniGPTTensors
import Testing
import MiniGPTTransformer

/// The loss in slices, with and without label smoothing, against the formula in double precision.
@Suite struct CrossEntropyTests {
  @Test(arguments: InstructionSet.available, [Float(0), 0.1, 0.4])
  func isTheFormula(set: InstructionSet, smoothing: Float) throws {
    let rows = 11, width = 5, ids = 13, scale: Float = 0.37
    var layout = ParameterLayout()
    let table = layout.table("table", ids, width, outputs: ids, start: .zeros)
    var plan = MemoryPlan()
    let hidden = plan.take(rows, width), gradient = plan.take(rows, width)
    let projection = OutputProjection(table)
    let saved = CrossEntropy.Saved(rows: rows, projection, sliceRows: 4, in: &plan), losses = saved.losses
    let targets = plan.takeIndices(rows)
    let memory = try makeMemory(layout, plan, set: set)
    let stream = RandomStream(seed: 3, .dropout, place: 3)
    for (index, slot) in [table, hidden].enumerated() {
      memory.write(slot, (0..<slot.count).map { Float(4 * stream.uniform($0, step: index) - 2) })
    }
    // Two rows are padding.
    for row in 0..<rows { memory.setIndex(targets, row, row % 5 == 3 ? -1 : Int32(row * 7 % ids)) }
    let loss = CrossEntropy(projection, smoothing: smoothing)
    loss.forwardAndBackward(hidden, targets, into: gradient, scale: scale, saved, in: memory)
    let found = (memory.read(losses), memory.read(gradient))
    if smoothing == 0 {
      loss.forward(hidden, targets, saved, in: memory, seen: { _, _ in })
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
