internal import MiniGPT
internal import MiniGPTPlatform

/// A continuation while it comes: from tokens to what is shown of them, and what is known when it is done.
struct Speech {
  /// Why a continuation ended.
  enum End {
    case endOfText, stopText, longEnough, interrupted
  }

  /// What is known of a continuation when it is done.
  struct Answer {
    var end = End.longEnough
    var tokens: [Int32] = []
    /// Tokens a second, from the first one on: how long the prompt took does not count.
    var speed = 0.0
  }

  private(set) var answer = Answer()
  private var decoder: StreamingDecoder
  private var stop: StopTexts
  private var characters: [UInt8] = []
  private var shown: [UInt8] = []
  private var first = 0.0
  private var last = 0.0

  var isStopped: Bool { stop.isFound }

  init(_ tokenizer: any Tokenizer, _ options: SamplingOptions) {
    decoder = StreamingDecoder(tokenizer)
    stop = StopTexts(options.stops)
  }

  /// The characters that are whole now and begin no stop text.
  mutating func take(_ id: Int32) -> [UInt8] {
    last = MonotonicTime.now
    if answer.tokens.isEmpty { first = last }
    answer.tokens.append(id)
    decoder.push(id, into: &characters)
    return free()
  }

  /// What was kept back.
  mutating func finish(_ end: End) -> [UInt8] {
    characters += Array(decoder.finish().utf8)
    _ = free()
    stop.finish(into: &shown)
    answer.end = end
    if answer.tokens.count > 1 { answer.speed = Double(answer.tokens.count - 1) / max(1e-9, last - first) }
    return shown
  }

  private mutating func free() -> [UInt8] {
    shown.removeAll(keepingCapacity: true)
    stop.push(characters, into: &shown)
    characters.removeAll(keepingCapacity: true)
    return shown
  }
}
