package import MiniGPTTensors

/// A stack of decoder blocks: Vaswani et al. 2017, §3.1, "a stack of N = 6 identical layers".
///
/// Every block keeps its input beside its `Saved`; the last one's output stands behind them.
package struct Decoder: Sendable {
  package let blocks: [DecoderBlock]

  /// - Parameters:
  ///   - name: what the blocks' names begin with.
  ///   - crossAttends: whether blocks have the middle sub-layer, a translator's.
  ///   - firstSite: dropout's first site.
  package init(
    _ name: String = "", layers: Int, _ shape: BlockShape, crossAttends: Bool = false, firstSite: Int,
    in layout: inout ParameterLayout
  ) {
    var blocks: [DecoderBlock] = []
    for index in 0..<layers {
      blocks.append(
        DecoderBlock(
          name + "blocks.\(index)", shape, crossAttends: crossAttends,
          firstSite: firstSite + index * DecoderBlock.sites(crossAttends: crossAttends), in: &layout))
    }
    self.blocks = blocks
  }

  package struct Saved: Sendable {
    /// The stream `[B·T, C]` before each block, and behind the last.
    package let stream: [Slot]
    package let blocks: [DecoderBlock.Saved]
    package let workspace: BlockWorkspace
    /// Whether the blocks share their places, so that each is computed again before its way back.
    private let recomputes: Bool

    /// For at most `rows` = B·T rows; `sourceRows` = B·S where the blocks look at a source. For training every block has
    /// places of its own, or with `recomputes`, its input alone (Chen et al. 2016, arXiv:1604.06174, §3). Otherwise all
    /// use the same.
    package init(
      rows: Int, sourceRows: Int? = nil, layers: Int, _ shape: BlockShape, trains: Bool, recomputes: Bool = false,
      in planner: inout SlotPlanner
    ) {
      var stream = [planner.take(rows, shape.width)], blocks: [DecoderBlock.Saved] = []
      for index in 0..<layers {
        let isFirst = index == 0
        blocks.append(
          isFirst || (trains && !recomputes)
            ? DecoderBlock.Saved(rows: rows, sourceRows: sourceRows, shape, in: &planner) : blocks[index - 1])
        stream.append(isFirst || trains ? planner.take(rows, shape.width) : stream[index - 1])
      }
      self.stream = stream
      self.blocks = blocks
      self.recomputes = trains && recomputes
      workspace = BlockWorkspace(rows: rows, shape, trains: trains, in: &planner)
    }

    package var input: Slot { stream[0] }
    package var output: Slot { stream[stream.count - 1] }

    /// Whether a block's places hold another block's numbers when its way back begins: the last one's are its own.
    func isStale(_ index: Int) -> Bool { recomputes && index < blocks.count - 1 }
  }

  /// From `saved.input` to `saved.output`, their first rows.
  package func forward(
    _ texts: Sequences, source: DecoderBlock.Source? = nil, _ context: DropoutContext?, _ saved: Saved,
    in memory: Memory
  ) {
    for index in blocks.indices { forward(block: index, texts, source: source, context, saved, in: memory) }
  }

  /// From one block's input to the next one's.
  private func forward(
    block index: Int, _ texts: Sequences, source: DecoderBlock.Source?, _ context: DropoutContext?, _ saved: Saved,
    in memory: Memory
  ) {
    let rows = 0..<texts.rows
    blocks[index].forward(
      saved.stream[index].rows(rows), into: saved.stream[index + 1].rows(rows), texts, source: source, context,
      saved: saved.blocks[index], saved.workspace, in: memory)
  }

  /// `gradient` comes in as that of the output and leaves as that of the input; the source's is added to its own.
  package func backward(
    _ gradient: Slot, _ texts: Sequences, source: DecoderBlock.Source? = nil, _ context: DropoutContext?,
    _ saved: Saved, in memory: Memory
  ) {
    for index in blocks.indices.reversed() {
      // The same numbers fall on the next block's input once more.
      if saved.isStale(index) { forward(block: index, texts, source: source, context, saved, in: memory) }
      blocks[index].backward(
        gradient, saved.stream[index].rows(0..<texts.rows), texts, source: source, context, saved: saved.blocks[index],
        saved.workspace, in: memory)
    }
  }
}
