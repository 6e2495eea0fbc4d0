internal import Platform

/// A trained language model, opened from its file: it continues texts.
///
/// The weights are used where they lie in the mapped file, so that opening is quick whatever the size. One thread at a
/// time may use it.
public final class LanguageModel {
  /// The shape of the model.
  public let configuration: GPTConfiguration
  /// Its vocabulary.
  public let tokenizer: any Tokenizer
  private let generator: TextGenerator

  /// Opens a checkpoint. Throws, with one line that names the file, what was expected and what was found.
  public init(_ path: String, threads: Int? = nil) throws {
    let checkpoint = try Checkpoint(Path(path))
    configuration = checkpoint.configuration
    tokenizer = try checkpoint.tokenizer()
    generator = TextGenerator(
      GPT(checkpoint.configuration), parameters: try checkpoint.parameters(),
      pool: WorkerPool(threads: threads ?? ProcessorCount.available),
      kernels: InstructionSet.best.kernels ?? .portable)
  }

  /// Continues a prompt by at most `tokens` tokens, or until the model ends its text, and hands out the continuation
  /// in whole characters as it is made; `text` gives false to stop.
  public func generate(
    _ prompt: String, tokens: Int = 256, sampling: SamplingConfiguration = SamplingConfiguration(),
    text: (String) -> Bool
  ) throws {
    let prompt = try tokenizer.encode(prompt)
    generator.start(prompt.isEmpty ? [tokenizer.endOfText ?? 0] : prompt)
    var sampler = Sampler(sampling), decoder = StreamingDecoder(tokenizer)
    for _ in 0..<tokens {
      let token = generator.next(&sampler)
      if token == tokenizer.endOfText { break }
      let piece = decoder.push(token)
      if !piece.isEmpty && !text(piece) { return }
    }
    let rest = decoder.finish()
    if !rest.isEmpty { _ = text(rest) }
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
}
