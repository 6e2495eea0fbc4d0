package import MiniGPTTensors

/// A column of the paper's figure 1: embedding and positions, N blocks one upon another, and a norm at the end where blocks
/// are pre-norm. Vaswani et al. 2017, §3.1, "a stack of N = 6 identical layers".
///
/// ids `[B·T]` → `[B·T, C]`. A GPT is a column and an output; a translator is two columns and an output.
package struct Column: Sendable {
  package let embedding: Embedding
  /// Of the embedded tokens.
  package let dropout: Dropout
  package let blocks: [Block]
  /// Post-norm blocks end with norms of their own.
  package let finalNorm: Norm?
  private let shape: BlockShape

  /// What is said of a column besides its embedding's and its blocks' shape.
  package struct Description: Sendable {
    /// What the names of its parameters begin with.
    package let prefix: String
    package let kind: Block.Kind
    package let layers: Int
    /// Dropout's sites: of the embedded tokens, and the first of the blocks.
    package let embeddingSite: Int
    package let firstBlockSite: Int

    /// The first site after those of the blocks.
    package var endSite: Int { firstBlockSite + layers * kind.sites }
  }

  /// `table` holds the embeddings; what else the column needs comes after it in the layout.
  package init(
    _ description: Description, _ table: Slot, _ embedding: Embedding.Shape, _ shape: BlockShape,
    in layout: inout ParameterLayout
  ) {
    let d = description
    self.embedding = Embedding(of: table, embedding, in: &layout)
    dropout = Dropout(site: d.embeddingSite)
    var blocks: [Block] = []
    for index in 0..<d.layers {
      blocks.append(
        Block(
          d.prefix + "blocks.\(index)", d.kind, shape, firstSite: d.firstBlockSite + index * d.kind.sites, in: &layout))
    }
    self.blocks = blocks
    self.shape = shape
    switch shape.norm {
    case .pre: finalNorm = Norm(d.prefix + "finalNorm", shape.block, in: &layout)
    case .post: finalNorm = nil
    }
  }

  /// What forward keeps for backward: every block's input beside its `Saved`.
  package struct Saved: Sendable {
    package let positions: PositionTables
    /// The residual stream `[B·T, C]` before each block, and after the last.
    package let stream: [Slot]
    package let blocks: [Block.Saved]
    let statistics: Slot
    /// What the column gives, `[B·T, C]`.
    package let output: Slot
    /// The gradient of that.
    package let gradient: Slot
    /// Whether the blocks share their places, so that each is computed again before its backward pass.
    private let recomputes: Bool

    fileprivate init(
      _ column: Column, _ rows: Block.Rows, _ purpose: Purpose, positions: PositionTables,
      in plan: inout MemoryPlan
    ) {
      let shape = column.shape
      self.positions = positions
      let workspace = Block.Workspace(rows, shape, purpose, in: &plan)
      var stream = [plan.take(rows.target, shape.width)], blocks: [Block.Saved] = []
      for index in column.blocks.indices {
        let ownsPlaces =
          switch purpose {
          case .training: true
          case .inference, .trainingRecomputed: index == 0
          }
        blocks.append(ownsPlaces ? Block.Saved(rows, shape, workspace, in: &plan) : blocks[index - 1])
        stream.append(index == 0 || purpose.trains ? plan.take(rows.target, shape.width) : stream[index - 1])
      }
      self.stream = stream
      self.blocks = blocks
      recomputes = purpose == .trainingRecomputed
      statistics = plan.take(rows.target, shape.normKind.statistics)
      output = column.finalNorm == nil ? stream[stream.count - 1] : plan.take(rows.target, shape.width)
      gradient = purpose.trains ? plan.take(rows.target, shape.width) : output
    }

    /// Whether a block's places hold what another block kept when its backward pass begins; the last one's are its own.
    fileprivate func isStale(_ index: Int) -> Bool { recomputes && index < blocks.count - 1 }

    /// A pass that knows what its positions turn by.
    fileprivate func turning(_ pass: Pass) -> Pass {
      var pass = pass
      pass.rotation = positions.rotation
      return pass
    }

    /// What the blocks of another column look at, where this one is a source.
    package func source(_ texts: Sequences) -> MultiHeadAttention.Source {
      MultiHeadAttention.Source(
        rows: output.first(texts.rows), texts: texts, gradient: gradient.first(texts.rows))
    }
  }

  /// Plans the places of a batch of at most so many rows; `positions` are planned already.
  package func plan(
    _ rows: Block.Rows, _ purpose: Purpose, positions: PositionTables, in plan: inout MemoryPlan
  ) -> Saved {
    Saved(self, rows, purpose, positions: positions, in: &plan)
  }

  /// From embedded rows, of one text or several of one length, to the output; `parameters` are all the model's.
  package static func reference<Scalar: Real>(
    _ embedded: PlainMatrix<Scalar>, over source: PlainMatrix<Scalar>? = nil, length: Int, _ description: Description,
    _ shape: BlockShape, _ parameters: PlainParameters<Scalar>
  ) -> PlainMatrix<Scalar> {
    var x = embedded
    for index in 0..<description.layers {
      x = Block.reference(
        x, over: source, description.kind, length: length, shape,
        parameters.part(description.prefix + "blocks.\(index)"))
    }
    return switch shape.norm {
    case .pre: Norm.reference(x, description.prefix + "finalNorm", shape.block, parameters)
    case .post: x
    }
  }

  /// From ids to `saved.output`, its first rows.
  package func forward(
    _ ids: IndexSlot, over source: MultiHeadAttention.Source? = nil, _ saved: Saved, _ pass: Pass
  ) {
    let rows = pass.texts.rows, pass = saved.turning(pass)
    embedding.forward(ids, into: saved.stream[0].first(rows), fixed: saved.positions.added, pass)
    dropout.apply(saved.stream[0].first(rows), pass)
    for index in blocks.indices { forward(block: index, over: source, saved, pass) }
    finalNorm?.forward(
      saved.stream[blocks.count].first(rows), into: saved.output.first(rows),
      statistics: saved.statistics.first(rows), in: pass.memory)
  }

  /// From one block's input to the next one's.
  private func forward(block index: Int, over source: MultiHeadAttention.Source?, _ saved: Saved, _ pass: Pass) {
    let rows = pass.texts.rows
    blocks[index].forward(
      saved.stream[index].first(rows), into: saved.stream[index + 1].first(rows), over: source, saved.blocks[index],
      pass)
  }

  /// Queries and keys of a block, as they met in the last forward pass over a batch; the next block's may take their place.
  package func queriesAndKeys(
    ofBlock index: Int, _ saved: Saved, _ texts: Sequences, in memory: Memory
  ) -> (query: Slot, key: Slot) {
    blocks[index].attention.queriesAndKeys(saved.blocks[index].attention, saved.turning(Pass(texts, in: memory)))
  }

  /// From the gradient of the output, in `saved.gradient`, to those of all parameters; the source's is added to its own.
  package func backward(
    _ ids: IndexSlot, over source: MultiHeadAttention.Source? = nil, _ saved: Saved, _ pass: Pass
  ) {
    let rows = pass.texts.rows, memory = pass.memory, pass = saved.turning(pass)
    var gradient = saved.gradient.first(rows)
    if let finalNorm {
      // The output is used up: the gradient of the norm's input takes its place.
      let before = saved.output.first(rows)
      memory.clear(before)
      finalNorm.backward(
        gradient, saved.stream[blocks.count].first(rows), addTo: before, statistics: saved.statistics.first(rows),
        in: memory)
      gradient = before
    }
    for index in blocks.indices.reversed() {
      // The same numbers fall on the next block's input once more.
      if saved.isStale(index) { forward(block: index, over: source, saved, pass) }
      blocks[index].backward(gradient, saved.stream[index].first(rows), over: source, saved.blocks[index], pass)
    }
    dropout.apply(gradient, pass)
    embedding.backward(gradient, ids, pass)
  }
}
