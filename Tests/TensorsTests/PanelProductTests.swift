import MiniGPTParallel
import MiniGPTTensors
import Testing

@Suite struct PanelProductTests {
  /// The bits of the product that packs for itself, for a few rows and for many, over several steps of the depth.
  @Test(arguments: InstructionSet.available, [1, 3]) func hasTheBitsOfTheProduct(set: InstructionSet, threads: Int)
    throws
  {
    for (rows, depth, outputs) in [
      (1, 7, 1), (5, 64, 33), (30, 130, 100), (80, 31, 200), (13, 600, 97), (90, 1100, 64),
    ] {
      var plan = MemoryPlan()
      let a = plan.take(rows, depth), table = plan.take(outputs, depth)
      let panels = Panels(inputs: depth, outputs: outputs, in: &plan)
      let c = plan.take(rows, outputs), expected = plan.take(rows, outputs)
      let memory = Memory(
        plan, ParameterStorage(count: 0), on: Processor(WorkerPool(threads: threads), try #require(set.kernels)))
      memory.write(a, numbers(a.count, rows))
      memory.write(table, numbers(table.count, depth))
      memory.packPanels(table, into: panels)
      memory.product(c, a, panels)
      memory.product(expected, a.plain, table.transposed)
      #expect(memory.read(c) == memory.read(expected), "[\(rows), \(depth)] · [\(depth), \(outputs)]")
    }
  }
}
