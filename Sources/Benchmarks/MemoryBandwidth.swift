internal import MiniGPTPlatform
package import MiniGPTTensors

/// How fast all threads together read memory that no cache holds: the limit of generating text, where each weight is
/// read once a token.
package enum MemoryBandwidth {
  /// Returns bytes a second, the best of some passes over `bytes` bytes.
  package static func measure(bytes: Int = 256 << 20, passes: Int = 3, on processor: Processor) -> Double {
    let streams = MemoryStreams(bytes: bytes, on: processor)
    return (0..<passes).reduce(0) { best, _ in
      let start = MonotonicTime.now, read = streams.read()
      return max(best, Double(read) / (MonotonicTime.now - start))
    }
  }
}
