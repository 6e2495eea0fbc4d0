internal import MiniGPTPlatform
internal import MiniGPTTensors

/// Where the blocks of a text begin, in the order in which they are learned: epoch after epoch, without end.
///
/// An epoch cuts the text, from a phase in 0 ..< T on, into blocks of T tokens, each with the token behind it, which its
/// last place predicts, and passes over all of them in an order of its own. A last block that is short is left out: the
/// next epoch has another phase. Blocks run over the ends of texts, as windows do.
///
/// Of N tokens M = N - T may begin a block, and T epochs in a row, a cycle, begin one at each of them, once. With
/// N - 1 = q T + r the phases 0 ... r leave room for q blocks, the others for q - 1. Which epochs of a cycle are the long
/// ones is fixed, as evenly as Bresenham draws a line: in front of epoch e lie ⌊e M / T⌋ blocks, so that a sample finds its
/// epoch in one division. Chance shuffles the phases among the epochs of a kind, and the blocks of each epoch. All of it
/// is a function of seed and sample alone.
package struct BlockOrder: Sendable {
  /// T.
  private let context: Int
  /// M: places where a block may begin, and blocks of a cycle.
  private let places: Int
  /// Epochs of a cycle with a block more than the others: r + 1.
  private let longEpochs: Int
  private let phases: RandomStream
  private let blocks: RandomStream

  /// - Parameters:
  ///   - count: tokens of the text, more than `context`.
  package init(count: Int, context: Int, seed: UInt64) {
    check(context > 0 && count > context, "\(count) tokens in blocks of \(context)")
    self.context = context
    places = count - context
    longEpochs = (places - 1) % context + 1
    phases = RandomStream(seed: seed, .phases)
    blocks = RandomStream(seed: seed, .blocks)
  }

  /// Returns the place where the block of a sample begins; samples are counted over the whole training.
  package func start(of sample: UInt) -> Int {
    let cycle = Int(truncatingIfNeeded: sample / UInt(places)), inCycle = Int(sample % UInt(places))
    let epoch = ((inCycle + 1) * context - 1) / places, first = blocksBefore(epoch)
    let block = blocks.permuted(
      inCycle - first, of: blocksBefore(epoch + 1) - first, step: cycle &* context &+ epoch)
    return phase(of: epoch, in: cycle) + block * context
  }

  /// Blocks of a cycle in front of one of its epochs.
  private func blocksBefore(_ epoch: Int) -> Int { epoch * places / context }

  private func phase(of epoch: Int, in cycle: Int) -> Int {
    let longBefore = epoch * longEpochs / context
    if (epoch + 1) * longEpochs / context > longBefore {
      return phases.permuted(longBefore, of: longEpochs, step: 2 &* cycle)
    }
    return longEpochs + phases.permuted(epoch - longBefore, of: context - longEpochs, step: 2 &* cycle &+ 1)
  }
}
