internal import MiniGPTPlatform
package import MiniGPTTensors
package import MiniGPTTransformer

/// Windows of `context` tokens at random places of a text, or its blocks, epoch by epoch, and, one place on, their targets.
///
/// A batch is computed in chunks of windows: they keep what a layer leaves for the next one in the processor's last cache,
/// and the memory small, since what is kept for the backward pass grows with the chunk, not with the batch. Their size is
/// a function of batch and length alone, and gradients are added in the order of the samples, so the bits are the same for
/// any number of threads.
package struct TextWindows: BatchSource {
  package let tokens: TokenSequence
  package let context: Int
  /// Windows of a batch.
  package let batchSize: Int
  package let turns: Int
  package let seed: UInt64
  package let heldOut: HeldOutText?
  private let perChunk: Int
  /// Nil where windows lie anywhere.
  private let blocks: BlockOrder?

  /// Positions of a chunk, at most, unless one window has more: at width 384 what a layer hands on takes 6 MB.
  package static let mostPositions = 4096

  package init(
    _ tokens: TokenSequence, heldOut: TokenSequence?, context: Int, batchSize: Int, turns: Int, seed: UInt64,
    inBlocks: Bool = false
  ) {
    let capacity = Self.capacity(context: context, batchSize: batchSize)
    self.tokens = tokens
    self.context = context
    self.batchSize = batchSize
    self.turns = turns
    self.seed = seed
    perChunk = capacity.windows
    blocks = inBlocks ? BlockOrder(count: tokens.count, context: context, seed: seed) : nil
    self.heldOut = heldOut.flatMap { $0.count >= 2 ? HeldOutText($0, capacity) : nil }
  }

  /// The largest chunk: a batch is cut into equal ones, but for the last.
  package static func capacity(context: Int, batchSize: Int) -> TextBatch.Capacity {
    let most = max(1, mostPositions / max(1, context)), chunks = (batchSize + most - 1) / most
    return TextBatch.Capacity(windows: (batchSize + chunks - 1) / chunks, length: context)
  }

  package var capacity: TextBatch.Capacity { TextBatch.Capacity(windows: perChunk, length: context) }
  package var chunks: Int { (batchSize + perChunk - 1) / perChunk }
  package var scaling: LossScaling { .before(predictions: turns * batchSize * context) }

  /// The places of the windows are a function of seed, step and sample alone, so that the step is all that a checkpoint
  /// need keep of the order. Blocks are numbered on from batch to batch: an epoch may end anywhere in one.
  package func fill(
    _ place: UpdatePlace, into places: TextBatch.Places, in memory: Memory
  ) -> SampledBatch<TextBatch> {
    let first = place.chunk * perChunk, firstSample = place.turn * batchSize + first
    let batch = places.batch(min(perChunk, batchSize - first))
    let stream = RandomStream(seed: seed, .windows), perUpdate = UInt(turns) &* UInt(batchSize)
    for row in 0..<batch.input.texts.count {
      let sample = firstSample + row
      let start =
        blocks?.start(of: UInt(place.update) &* perUpdate &+ UInt(sample))
        ?? stream.integer(below: tokens.count - context, 0, sample: sample, step: place.update)
      tokens.read(start..<start + context + 1) { batch.set(row, $0, in: memory) }
    }
    return SampledBatch(batch, firstSample: firstSample, predictions: batch.targets.count)
  }
}

/// A text in windows, in order, as validation and `minigpt eval` walk through it. Each token but the first is predicted once.
///
/// Usually windows come one after another, and each position predicts the token after it from its own window. With a
/// stride N below their length T they overlap: window k begins at k N, and only its last N predictions count, of the first
/// all. So each has at least T - N tokens before it beside the one it is predicted from, but near the beginning; the cost
/// is T / N times that of windows one after another. The last window may be short.
package struct HeldOutText: HeldOutBatches {
  package let tokens: TokenSequence
  private let capacity: TextBatch.Capacity
  private let stride: Int

  /// - Parameters:
  ///   - stride: from 1 to the length of the windows, which it is where it is not given.
  package init(_ tokens: TokenSequence, _ capacity: TextBatch.Capacity, stride: Int? = nil) {
    let stride = stride ?? capacity.length
    check(1...capacity.length ~= stride, "windows of \(capacity.length), \(stride) apart")
    self.tokens = tokens
    self.capacity = capacity
    self.stride = stride
  }

  /// Windows of a text of so many tokens, `length` long.
  package static func windows(_ tokens: Int, length: Int, stride: Int) -> Int {
    tokens < 2 ? 0 : 1 + (max(0, tokens - 1 - length) + stride - 1) / stride
  }

  private var windows: Int { Self.windows(tokens.count, length: capacity.length, stride: stride) }

  package var count: Int { (windows + capacity.windows - 1) / capacity.windows }

  package func fill(_ index: Int, into places: TextBatch.Places, in memory: Memory) -> TextBatch {
    let first = index * capacity.windows, count = min(capacity.windows, windows - first)
    // A short window alone is not filled up: attention's cost is the square of its length.
    let length = min(capacity.length, tokens.count - 1 - first * stride)
    let batch = places.batch(count, length: count == 1 ? length : nil)
    for row in 0..<batch.input.texts.count {
      let start = (first + row) * stride
      let known = first + row == 0 ? 0 : capacity.length - stride
      tokens.read(start..<min(start + capacity.length + 1, tokens.count)) {
        batch.set(row, $0, known: known, in: memory)
      }
    }
    return batch
  }
}

extension TextBatch {
  /// Writes window `row` from its tokens, the last of which is only predicted; places after them predict nothing, nor do
  /// the first `known`, whose targets another window predicts.
  fileprivate func set(_ row: Int, _ window: Span<Int32>, known: Int = 0, in memory: Memory) {
    let length = input.texts.length
    for t in 0..<length {
      let isThere = t + 1 < window.count
      memory.setIndex(input.ids, row * length + t, isThere ? window[t] : 0)
      memory.setIndex(targets, row * length + t, isThere && t >= known ? window[t + 1] : -1)
    }
  }
}
