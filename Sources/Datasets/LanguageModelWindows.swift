package import MiniGPTTensors

/// Windows of `context` tokens and, one place on, their targets.
package enum LanguageModelWindows {
  /// Fills a batch with windows at random places. The places are a function of seed, step and sample alone, so that the
  /// step is all that a checkpoint need keep of the order.
  package static func fill(
    _ ids: IndexSlot, _ targets: IndexSlot, from tokens: TokenSequence, context: Int, seed: UInt64, step: Int,
    firstSample: Int, in memory: Memory
  ) {
    let stream = RandomStream(seed: seed, .windows)
    for row in 0..<ids.count / context {
      let start = stream.integer(below: tokens.count - context, 0, sample: firstSample + row, step: step)
      tokens.read(start..<start + context + 1) { window in
        for t in 0..<context {
          memory.setIndex(ids, row * context + t, window[t])
          memory.setIndex(targets, row * context + t, window[t + 1])
        }
      }
    }
  }

  /// Fills a batch with the windows from number `first` on, one after another, as validation walks through a text:
  /// each position predicts the token after it, the last window may be short, the first token is never predicted.
  ///
  /// Places beyond the text get the target -1, which counts for nothing. Gives how many windows were filled.
  package static func fillInOrder(
    _ ids: IndexSlot, _ targets: IndexSlot, from tokens: TokenSequence, context: Int, first: Int, in memory: Memory
  ) -> Int {
    let batch = ids.count / context, windows = (tokens.count - 1 + context - 1) / context
    for row in 0..<batch {
      let start = min((first + row) * context, tokens.count - 1)
      tokens.read(start..<min(start + context + 1, tokens.count)) { window in
        for t in 0..<context {
          let isThere = t + 1 < window.count
          memory.setIndex(ids, row * context + t, isThere ? window[t] : 0)
          memory.setIndex(targets, row * context + t, isThere ? window[t + 1] : -1)
        }
      }
    }
    return max(0, min(batch, windows - first))
  }
}
