import MiniGPTTensors
import MiniGPTTestSupport
import MiniGPTTransformer
import Testing

/// A GPT with memory of its own, driven as a trainer drives it: the logits come in slices of a few rows.
struct GPTRun {
  let gpt: GPT
  let activations: GPT.Activations
  /// Where the ids and the targets stand.
  let batch: TextBatch
  let memory: Memory
  /// Floats of activations that were planned.
  let floats: Int

  /// Weights away from every trivial value. `batch` texts of `length`, which may be shorter than the context.
  init(
    _ configuration: GPTConfiguration, batch: Int, length: Int, threads: Int = 2, set: InstructionSet = .best,
    precision: Precision = .fp32, _ purpose: Purpose = .training, logitRows: Int = 7
  ) throws {
    try configuration.validate()
    gpt = GPT(configuration)
    var plan = MemoryPlan()
    let capacity = TextBatch.Capacity(windows: batch, length: length)
    activations = gpt.plan(capacity, purpose, logitRows: logitRows, in: &plan)
    self.batch = TextBatch.plan(capacity, in: &plan).batch(batch)
    floats = plan.activations
    memory = try makeMemory(gpt.layout, plan, threads: threads, set: set, precision: precision)
    gpt.prepare(activations, in: memory)
  }

  var losses: Slot { activations.loss.losses }

  func write(ids: [Int32], targets: [Int32]? = nil) {
    for (i, id) in ids.enumerated() { memory.setIndex(batch.input.ids, i, id) }
    for (i, id) in (targets ?? []).enumerated() { memory.setIndex(batch.targets, i, id) }
  }

  /// Hidden rows of these ids.
  func hidden(_ ids: [Int32], _ dropout: DropoutStep? = nil) -> [Float] {
    write(ids: ids)
    gpt.forward(batch, activations, dropout: dropout, in: memory)
    return memory.read(activations.hidden)
  }

  /// Logits of the rows that are in `hidden`.
  func logits() -> [Float] {
    var all: [Float] = []
    CrossEntropy(gpt.outputProjection).forward(
      activations.hidden, batch.targets, activations.loss, in: memory, seen: { all += memory.read($1) })
    return all
  }

  /// The mean loss, and all gradients.
  func lossAndGradients(_ dropout: DropoutStep? = nil) -> Double {
    step(dropout)
    return memory.read(losses).map(Double.init).reduce(0, +) / Double(activations.hidden.rows)
  }

  /// Forward and backward, without an array.
  func step(_ dropout: DropoutStep?) {
    memory.clearGradients()
    _ = gpt.addGradient(
      of: batch, activations, Objective(scale: 1 / Float(activations.hidden.rows)), dropout: dropout, in: memory)
  }

  func gradient(_ parameter: Parameter) -> [Float] { memory.read(parameter.slot.at(.gradients)) }
}

/// Ids that look random.
func someIds(_ count: Int, _ vocabulary: Int, _ seed: Int = 1) -> [Int32] {
  let stream = RandomStream(seed: UInt64(seed), .dropout, place: 8)
  return (0..<count).map { Int32(stream.integer(below: vocabulary, $0)) }
}

/// The bits, so that equality means the same bits and not the same value.
func bits(_ x: [Float]) -> [UInt32] { x.map(\.bitPattern) }
