internal import MiniGPT
internal import MiniGPTPlatform

/// What is said while a tokenizer is trained: two phases, each with the time that is left of it.
struct TokenizerReport {
  private let console: Console
  private var start = MonotonicTime.now
  private var isMerging = false

  init(_ console: Console) { self.console = console }

  mutating func say(_ progress: BPETrainer.Progress) {
    switch progress {
    case .counting(let done, let total):
      console.progress(["counting pieces", percent(done, total)] + left(done, total))
    case .merging(let done, let total):
      if !isMerging { (isMerging, start) = (true, MonotonicTime.now) }
      console.progress(["making tokens", "\(grouped(done)) of \(grouped(total))"] + left(done, total))
    }
  }

  /// Nothing while there is nothing to judge by.
  private func left(_ done: Int, _ total: Int) -> [String] {
    let elapsed = MonotonicTime.now - start
    if done <= 0 || done >= total || elapsed < 0.5 { return [] }
    return ["\(duration(elapsed * Double(total - done) / Double(done))) left"]
  }
}
