import MiniGPTTensors
import MiniGPTTestSupport
import Testing
import MiniGPTTransformer

/// A GPT with memory of its own, driven as a trainer drives it: the logits come in slices of a few rows.
struct GPTRun {
  let gpt: GPT
  let activations: GPT.Activations
  let memory: Memory

  /// Weights away from every trivial value. `batch` texts of `length`, which may be shorter than the context.
  init(
    _ configuration: GPTConfiguration, batch: Int, length: Int, threads: Int = 2, set: InstructionSet = .best,
    trains: Bool = true, recomputes: Bool = false, logitRows: Int = 7
  ) throws {
    try configuration.validate()
    gpt = GPT(configuration)
    activations = GPT.Activations(
      configuration, batch: batch, length: length, trains: trains, recomputes: recomputes, logitRows: logitRows)
    memory = try makeMemory(
      gpt.layout, activations: activations.count, indices: activations.indexCount, scratch: gpt.scratch(length: length),
      threads: threads, set: set)
    gpt.prepare(activations, in: memory)
  }

  func write(ids: [Int32], targets: [Int32]? = nil) {
    for (i, id) in ids.enumerated() { memory.setIndex(activations.ids, i, id) }
    for (i, id) in (targets ?? []).enumerated() { memory.setIndex(activations.targets, i, id) }
  }

  /// Hidden rows of these ids.
  func hidden(_ ids: [Int32], _ context: DropoutContext? = nil) -> [Float] {
    write(ids: ids)
    gpt.forward(activations, context, in: memory)
    return memory.read(activations.hidden)
  }

  /// Logits of the rows that are in `hidden`.
  func logits() -> [Float] {
    slices().flatMap { rows in
      let logits = activations.logits.rows(0..<rows.count)
      gpt.outputProjection.forward(activations.hidden.rows(rows), into: logits, in: memory)
      return memory.read(logits)
    }
  }

  /// The mean loss, and all gradients.
  func lossAndGradients(_ context: DropoutContext? = nil) -> Double {
    step(context)
    return memory.read(activations.losses).map(Double.init).reduce(0, +) / Double(activations.hidden.rows)
  }

  /// Forward and backward, without an array.
  func step(_ context: DropoutContext?) {
    memory.clearGradients()
    gpt.forward(activations, context, in: memory)
    let all = activations.hidden.rows, most = activations.logits.rows
    var first = 0
    while first < all {
      let rows = first..<min(first + most, all), logits = activations.logits.rows(0..<rows.count)
      gpt.outputProjection.forward(activations.hidden.rows(rows), into: logits, in: memory)
      memory.crossEntropy(
        logits, targets: activations.targets.range(rows), losses: activations.losses.rows(rows),
        gradientScale: 1 / Float(all))
      gpt.outputProjection.backward(
        logits, activations.hidden.rows(rows), into: activations.gradient.rows(rows), in: memory)
      first += most
    }
    gpt.backward(activations, context, in: memory)
  }

  func gradient(_ parameter: Parameter) -> [Float] { memory.read(parameter.slot.at(.gradients)) }

  private func slices() -> [Range<Int>] {
    let all = activations.hidden.rows, most = activations.logits.rows
    return stride(from: 0, to: all, by: most).map { $0..<min($0 + most, all) }
  }
}

/// Ids that look random.
func someIds(_ count: Int, _ vocabulary: Int, _ seed: Int = 1) -> [Int32] {
  let stream = RandomStream(seed: UInt64(seed), .dropout, place: 8)
  return (0..<count).map { Int32(stream.integer(below: vocabulary, $0)) }
}

/// The bits, so that equality means the same bits and not the same value.
func bits(_ x: [Float]) -> [UInt32] { x.map(\.bitPattern) }
