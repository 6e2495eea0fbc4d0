internal import MiniGPTCKernels
internal import MiniGPTParallel
internal import MiniGPTPlatform

/// A matrix `[K, N]` in panels of 32 columns, as the tiles of a product read it and as packed weights lie, made from its
/// transposed: for weights that many products use as they are.
package struct Panels: Sendable {
  package let inputs: Int
  package let outputs: Int
  /// A panel a row.
  let slot: Slot

  package init(inputs: Int, outputs: Int, in plan: inout MemoryPlan) {
    self.inputs = inputs
    self.outputs = outputs
    slot = plan.take((outputs + PackedMatrix.panel - 1) / PackedMatrix.panel, inputs * PackedMatrix.panel)
  }
}

extension Memory {
  /// Makes the panels of xᵀ, for x `[N, K]`.
  package func packPanels(_ x: Slot, into panels: Panels) {
    check(x.rows == panels.outputs && x.columns == panels.inputs, "\(x) into panels of \(panels.slot)")
    pool.run(
      panels.slot.rows,
      unsafe PanelWork(
        panels: pointer(panels.slot), stride: panels.slot.stride, x: pointer(x), xRow: x.stride, rows: x.rows,
        columns: x.columns, kernels: kernels))
  }

  /// c = a · b for a `[M, K]` and b in panels. Every element is one chain over k, whatever M is.
  package func product(_ c: Slot, _ a: Slot, _ b: Panels) {
    check(
      a.rows == c.rows && b.outputs == c.columns && a.columns == b.inputs && precision == .fp32
        && b.slot.isContiguous && PackedMatrix.panel % kernels.tileColumns == 0,
      "product of \(a) and panels \(b.slot) into \(c)")
    if c.rows == 0 || c.columns == 0 { return }
    let work = unsafe ProductWork(
      c: pointer(c), cRow: c.stride, rows: c.rows, columns: c.columns, a: Factor(pointer(a), a.plain),
      b: Factor(pointer(b.slot), b.slot.plain), depth: a.columns, accumulate: false, epilogue: .none, memory: self,
      isInPanels: true)
    timeSplit?.productOperations += 2 * Double(c.rows) * Double(c.columns) * Double(a.columns)
    run(.product, work.grid.parts, work)
  }
}

@safe private struct PanelWork: ParallelWork {
  let panels: UnsafeMutablePointer<Float>, stride: Int
  let x: UnsafeMutablePointer<Float>, xRow: Int
  let rows: Int, columns: Int
  let kernels: Kernels

  func callAsFunction(_ part: Int, thread: Int) {
    let width = PackedMatrix.panel, first = part * width
    unsafe kernels.table.pointee.transpose(
      panels + part * stride, width, x + first * xRow, xRow, min(width, rows - first), columns)
  }
}
