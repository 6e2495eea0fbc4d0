internal import MiniGPT
internal import MiniGPTPlatform

/// A translator at work: sentences as ids in, translations out.
final class Interpreter {
  let tokenizer: any Tokenizer
  let configuration: TranslatorConfiguration
  private let search: BeamSearchConfiguration
  private let translator: Translator
  private let makePass: () -> TranslationPass
  /// For what decoding does not show; made when it is asked for.
  private lazy var pass = makePass()

  /// A translation of a sentence.
  struct Hypothesis {
    let ids: [Int32]
    let text: [UInt8]
    /// Sum of log-probabilities over the length penalty.
    let score: Double
  }

  /// Most sentences that share a pass over the weights.
  static let batch = 32
  /// Sentences to hand over at a time: enough for all threads to have batches of like lengths.
  let appetite: Int

  convenience init(
    _ checkpoint: TranslatorCheckpoint, _ machine: Machine, _ search: BeamSearchConfiguration, batch: Int = batch
  ) throws {
    self.init(
      EncoderDecoder(checkpoint.configuration), try checkpoint.tokenizer(), try checkpoint.parameters(), machine,
      search, batch: batch)
  }

  /// Works with weights that are being trained; greedy, because it is asked often.
  convenience init(_ trainer: TranslatorTrainer, _ machine: Machine) {
    var search = BeamSearchConfiguration()
    search.beam = 1
    self.init(
      trainer.model, trainer.tokenizer, trainer.memory.parameters, machine, search, batch: Self.batch)
  }

  private init(
    _ model: EncoderDecoder, _ tokenizer: any Tokenizer, _ parameters: ParameterStorage, _ machine: Machine,
    _ search: BeamSearchConfiguration, batch: Int
  ) {
    self.tokenizer = tokenizer
    self.search = search
    configuration = model.configuration
    appetite = 8 * batch * min(machine.pool.threads, 16)
    translator = Translator(model, parameters: parameters, search, batch: batch, on: machine.processor)
    makePass = { TranslationPass(model, parameters: parameters, on: machine.processor) }
  }

  /// Translations of sentences, the best first; one without a token has one without a token.
  func translate(_ sentences: [[Int32]]) -> [[Hypothesis]] {
    translator.translate(sentences).map { translations in
      translations.map { Hypothesis(ids: $0.ids, text: text($0.ids), score: $0.score) }
    }
  }

  private func text(_ ids: [Int32]) -> [UInt8] { ids.flatMap { tokenizer.bytes(of: $0) } }

  private static func likeliest(_ scores: [Float], _ count: Int = 1) -> [Int32] {
    TokenProbabilities(logits: scores).likeliest(count)
  }

  // MARK: - Along a given target

  /// Which word looked at which.
  func alignment(_ source: [Int32], _ target: [Int32]) -> WordAlignment {
    let target = Array(target.prefix(configuration.context - 1))
    pass.run(source: source, target: target)
    return WordAlignment(source: source, target: target, weights: pass.alignment(), tokenizer)
  }

  /// -log P of a target and its `</s>`, in nats.
  func loss(_ source: [Int32], _ target: [Int32]) -> Double {
    pass.run(source: source, target: target)
    return (target + [TranslatorConfiguration.endOfSentence]).enumerated().reduce(0) { sum, next in
      sum - Double(pass.logProbabilities(after: next.offset)[Int(next.element)])
    }
  }

  /// The likeliest next words behind the beginning of a translation, and how likely their first tokens are.
  func nextWords(_ source: [Int32], behind start: [Int32], _ count: Int) -> [(text: [UInt8], probability: Double)] {
    pass.run(source: source, target: start)
    let next = pass.logProbabilities(after: start.count)
    return Self.likeliest(next, count).map { first in
      var word = [first]
      while word[0] != TranslatorConfiguration.endOfSentence, start.count + word.count < configuration.context - 1 {
        pass.run(source: source, target: start + word)
        let token = Self.likeliest(pass.logProbabilities(after: start.count + word.count))[0]
        if token == TranslatorConfiguration.endOfSentence || tokenizer.bytes(of: token).first == 0x20 { break }
        word.append(token)
      }
      return (Array(text(word).drop { $0 == 0x20 }), Double.exp(Double(next[Int(first)])))
    }
  }

  /// The translation that begins with `start` and goes on with the likeliest token each time.
  func complete(_ source: [Int32], _ start: [Int32]) -> Hypothesis {
    var ids = start, score = 0.0
    pass.run(source: source, target: start)
    for place in start.indices { score += Double(pass.logProbabilities(after: place)[Int(start[place])]) }
    while true {
      let next = pass.logProbabilities(after: ids.count), token = Self.likeliest(next)[0]
      if token == TranslatorConfiguration.endOfSentence || ids.count == configuration.context - 1 {
        score += Double(next[Int(TranslatorConfiguration.endOfSentence)])
        break
      }
      score += Double(next[Int(token)])
      ids.append(token)
      pass.run(source: source, target: ids)
    }
    return Hypothesis(ids: ids, text: text(ids), score: search.score(score, length: ids.count + 1))
  }
}
