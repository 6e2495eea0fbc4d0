import MiniGPTParallel
import MiniGPTTensors
import Testing
import MiniGPTTransformer

/// A layer norm and a feed-forward network as the program runs them, for a few rows.
final class RowLayers {
  static let width = 10
  private let memory: Memory
  private let norm: LayerNorm
  private let feedForward: FeedForward
  private let x: Slot
  private let normalized: Slot
  private let y: Slot
  private let saved: FeedForward.Saved
  private let rows: Sequences
  private let statistics: Slot

  init(rows: Int, set: InstructionSet) throws {
    let configuration = GPTConfiguration(
      vocabularySize: 2, context: 16, layers: 1, heads: 1, width: Self.width, feedForwardWidth: 24)
    var layout = ParameterLayout()
    norm = LayerNorm("norm", BlockConfiguration(heads: 1, width: Self.width), in: &layout)
    feedForward = FeedForward("feedForward", configuration.blockShape, in: &layout)
    var plan = MemoryPlan()
    x = plan.take(rows, Self.width)
    normalized = plan.take(rows, Self.width)
    y = plan.take(rows, Self.width)
    let workspace = FeedForward.Workspace(rows: rows, configuration.blockShape, .inference, in: &plan)
    saved = FeedForward.Saved(rows: rows, configuration.blockShape, workspace, in: &plan)
    self.rows = Sequences(count: 1, length: rows)
    statistics = plan.take(rows, 2)
    memory = Memory(
      plan, ParameterStorage(count: layout.count), on: Processor(WorkerPool(threads: 2), try #require(set.kernels)))
    let values = LectureTests.parameters(layout)
    for parameter in layout.parameters {
      memory.write(parameter.slot, values.matrix(parameter.name).elements.map(Float.init))
    }
  }

  func norm(_ values: [Float]) -> [Float] {
    memory.write(x, values)
    norm.forward(x, into: normalized, statistics: statistics, in: memory)
    return memory.read(normalized)
  }

  /// The feed-forward network of the norm.
  func run(_ values: [Float]) -> [Float] {
    _ = norm(values)
    feedForward.forward(normalized, into: y, saved, Pass(rows, in: memory))
    return memory.read(y)
  }
}
