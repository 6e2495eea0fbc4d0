package import MiniGPTTensors

/// What all blocks of a stack use in turn.
package struct BlockWorkspace: Sendable {
  /// `[N, C]` each.
  package let normalized: Slot
  package let branch: Slot
  package let gradient: Slot
  /// `[N, max(F, 3C)]`.
  package let wide: Slot
  package let wideGradient: Slot

  /// Without a way back, only what forward uses.
  package init(rows: Int, _ shape: BlockShape, trains: Bool, in planner: inout SlotPlanner) {
    let width = shape.width, wideWidth = max(shape.feedForwardWidth, 3 * width)
    normalized = planner.take(rows, width)
    wide = planner.take(rows, wideWidth)
    branch = trains ? planner.take(rows, width) : normalized
    gradient = trains ? planner.take(rows, width) : normalized
    wideGradient = trains ? planner.take(rows, wideWidth) : wide
  }

  /// The first rows of all of them, for a batch that is not the largest.
  private init(_ all: BlockWorkspace, rows: Int) {
    normalized = all.normalized.rows(0..<rows)
    branch = all.branch.rows(0..<rows)
    gradient = all.gradient.rows(0..<rows)
    wide = all.wide.rows(0..<rows)
    wideGradient = all.wideGradient.rows(0..<rows)
  }

  package func rows(_ count: Int) -> BlockWorkspace { BlockWorkspace(self, rows: count) }
}
