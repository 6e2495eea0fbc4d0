package import MiniGPTTensors

/// A stack of encoder blocks: Vaswani et al. 2017, §3.1 and figure 1, left.
package struct Encoder: Sendable {
  package let blocks: [EncoderBlock]

  package init(
    _ name: String, layers: Int, _ shape: BlockShape, firstSite: Int, in layout: inout ParameterLayout
  ) {
    var blocks: [EncoderBlock] = []
    for index in 0..<layers {
      blocks.append(
        EncoderBlock(
          name + "blocks.\(index)", shape, firstSite: firstSite + index * EncoderBlock.sites, in: &layout))
    }
    self.blocks = blocks
  }

  /// As a decoder that looks at no source keeps it.
  package typealias Saved = Decoder.Saved

  /// From `saved.input` to `saved.output`, their first rows.
  package func forward(_ texts: Sequences, _ context: DropoutContext?, _ saved: Saved, in memory: Memory) {
    for index in blocks.indices { forward(block: index, texts, context, saved, in: memory) }
  }

  /// From one block's input to the next one's.
  private func forward(
    block index: Int, _ texts: Sequences, _ context: DropoutContext?, _ saved: Saved, in memory: Memory
  ) {
    let rows = 0..<texts.rows
    blocks[index].forward(
      saved.stream[index].rows(rows), into: saved.stream[index + 1].rows(rows), texts, context,
      saved: saved.blocks[index], saved.workspace, in: memory)
  }

  /// `gradient` comes in as that of the output and leaves as that of the input.
  package func backward(
    _ gradient: Slot, _ texts: Sequences, _ context: DropoutContext?, _ saved: Saved, in memory: Memory
  ) {
    for index in blocks.indices.reversed() {
      // The same numbers fall on the next block's input once more.
      if saved.isStale(index) { forward(block: index, texts, context, saved, in: memory) }
      blocks[index].backward(
        gradient, saved.stream[index].rows(0..<texts.rows), texts, context, saved: saved.blocks[index],
        saved.workspace, in: memory)
    }
  }
}
