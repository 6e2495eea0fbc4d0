internal import MiniGPTPlatform

/// A trained language model, opened from its file: it continues texts.
///
/// The weights are copied once, in the numbers that were asked for and in the order in which generation reads them; the
/// file's own pages are given back. Any number of threads may use a model at once: each call is a generator of its own on
/// the same weights.
public final class LanguageModel: Sendable {
  /// The shape of the model.
  public let configuration: GPTConfiguration
  /// Its vocabulary.
  public let tokenizer: any Tokenizer
  private let makeGenerator: @Sendable () -> TextGenerator

  /// Opens a checkpoint. Throws, with one line that names the file, what was expected and what was found.
  /// - Parameters:
  ///   - weights: the numbers that are read for each token; shorter ones are faster, and a little less exact.
  ///   - threads: how many threads a generator uses; nil: as many as the process may.
  public init(_ path: String, weights: NumberFormat = .fp32, threads: Int? = nil) throws {
    let checkpoint = try ModelFile.open(Path(path)).textModel()
    let reader = DecodingWeightsReader(checkpoint)
    let threads = threads ?? ProcessorCount.available
    let kernels = InstructionSet.best.kernels ?? .portable
    configuration = checkpoint.configuration
    tokenizer = try checkpoint.tokenizer()
    let (model, parameters, packed) = try reader.pack(weights, on: Processor(WorkerPool(threads: threads), kernels))
    makeGenerator = {
      TextGenerator(
        model, parameters: parameters, weights: packed, on: Processor(WorkerPool(threads: threads), kernels))
    }
  }

  /// Continues a prompt by at most `tokens` tokens, or until the model ends its text, and hands out the continuation
  /// in whole characters as it is made; `text` gives false to stop.
  public func generate(
    _ prompt: String, tokens: Int = 256, sampling: SamplingConfiguration = SamplingConfiguration(),
    text: (String) -> Bool
  ) throws {
    let ids = try tokenizer.opening(tokenizer.encode(prompt))
    Self.speak(ids, tokens, sampling, tokenizer, makeGenerator()) { $0.isEmpty || text($0) }
  }

  /// The continuation as one text.
  public func generate(
    _ prompt: String, tokens: Int = 256, sampling: SamplingConfiguration = SamplingConfiguration()
  ) throws -> String {
    var all = ""
    try generate(prompt, tokens: tokens, sampling: sampling) {
      all += $0
      return true
    }
    return all
  }

  /// The continuation in whole characters, made on a thread of its own while the caller goes on.
  ///
  /// It ends when the text does, and after the token that is being made when its task is cancelled or nobody listens any
  /// more.
  public func stream(
    _ prompt: String, tokens: Int = 256, sampling: SamplingConfiguration = SamplingConfiguration()
  ) throws -> AsyncStream<String> {
    let ids = try tokenizer.opening(tokenizer.encode(prompt)), tokenizer = tokenizer, makeGenerator = makeGenerator
    return AsyncStream { continuation in
      let stop = StopFlag()
      continuation.onTermination = { _ in stop.set() }
      BackgroundThread.start {
        Self.speak(ids, tokens, sampling, tokenizer, makeGenerator()) { piece in
          if !piece.isEmpty { continuation.yield(piece) }
          return !stop.isSet
        }
        continuation.finish()
      }
    }
  }

  /// `text` is asked after every token, with what can be shown so far, which may be nothing.
  private static func speak(
    _ prompt: [Int32], _ tokens: Int, _ sampling: SamplingConfiguration, _ tokenizer: any Tokenizer,
    _ generator: TextGenerator, text: (String) -> Bool
  ) {
    generator.start(prompt)
    generator.excluded = tokenizer.unusedIds
    var sampler = Sampler(sampling), decoder = StreamingDecoder(tokenizer)
    sampler.observe(prompt)
    for _ in 0..<tokens {
      let token = generator.next(&sampler)
      if tokenizer.marks.ends.contains(token) { break }
      if !text(decoder.push(token)) { return }
    }
    _ = text(decoder.finish())
  }
}
