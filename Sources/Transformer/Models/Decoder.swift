package import Tensors

/// A stack of decoder blocks: Vaswani et al. 2017, §3.1, "a stack of N = 6 identical layers".
///
/// Every block keeps its input beside its `Saved`; the last one's output stands behind them.
package struct Decoder: Sendable {
  package let blocks: [DecoderBlock]

  package init(_ configuration: GPTConfiguration, in layout: inout ParameterLayout) {
    var blocks: [DecoderBlock] = []
    for index in 0..<configuration.layers {
      blocks.append(DecoderBlock("blocks.\(index)", configuration, index: index, in: &layout))
    }
    self.blocks = blocks
  }

  package struct Saved: Sendable {
    /// The stream `[B·T, C]` before each block, and behind the last.
    package let stream: [Slot]
    package let blocks: [DecoderBlock.Saved]
    package let workspace: DecoderBlock.Workspace

    /// For training every block has places of its own. Otherwise all use the same.
    package init(
      batch: Int, length: Int, _ configuration: GPTConfiguration, trains: Bool, in planner: inout SlotPlanner
    ) {
      let rows = batch * length
      var stream = [planner.take(rows, configuration.width)], blocks: [DecoderBlock.Saved] = []
      for index in 0..<configuration.layers {
        if trains || index == 0 {
          blocks.append(DecoderBlock.Saved(batch: batch, length: length, configuration, in: &planner))
          stream.append(planner.take(rows, configuration.width))
        } else {
          blocks.append(blocks[index - 1])
          stream.append(stream[index - 1])
        }
      }
      self.stream = stream
      self.blocks = blocks
      workspace = DecoderBlock.Workspace(rows: rows, configuration, trains: trains, in: &planner)
    }

    package var input: Slot { stream[0] }
    package var output: Slot { stream[stream.count - 1] }
  }

  /// From `saved.input` to `saved.output`.
  package func forward(length: Int, _ context: DropoutContext?, _ saved: Saved, in memory: Memory) {
    for index in blocks.indices {
      blocks[index].forward(
        saved.stream[index], into: saved.stream[index + 1], length: length, context, saved: saved.blocks[index],
        saved.workspace, in: memory)
    }
  }

  /// `gradient` comes in as that of the output and leaves as that of the input.
  package func backward(_ gradient: Slot, length: Int, _ context: DropoutContext?, _ saved: Saved, in memory: Memory) {
    for index in blocks.indices.reversed() {
      blocks[index].backward(
        gradient, saved.stream[index], length: length, context, saved: saved.blocks[index], saved.workspace, in: memory)
    }
  }
}
