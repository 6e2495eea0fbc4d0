package import MiniGPTTensors
package import MiniGPTTransformer

/// Continues sequences of tokens, one token at a time: a model feeds on what it said. It knows ids, not text.
///
/// Keys and values of all tokens wait in a cache: a prompt goes through the model once, some hundred tokens a pass, and
/// then one token a step. All sequences begin with the same prompt and share each pass over the weights. A sequence's
/// bits do not depend on how many there are. From the third token on nothing is allocated.
///
/// Past the context the window slides: when it is full and another token comes, the older half is dropped, and the rest,
/// whose positions are new, goes through the model once more.
package final class TextGenerator {
  package let model: GPT
  /// How many texts there are.
  package let sequences: Int
  /// Ids that are never said: their logits are -∞.
  package var excluded: [Int32] = []
  /// How often windows slid since `start`.
  package private(set) var slides = 0
  private let memory: Memory
  private let activations: GPT.DecodingActivations
  private let weights: DecodingWeights
  private var windows: [Window]
  /// Whether all windows are the prompt, and the first one alone is computed.
  private var isShared = false
  /// Whether the logits belong to the windows as they are.
  private var isCurrent = false
  private var row: [Float]
  /// The rows of a pass whose logits are asked for.
  private var ends: [Int] = []

  /// What the model sees of a text.
  private struct Window {
    var tokens: [Int32] = []
    /// How many of them have their keys and values in the cache.
    var cached = 0
    /// Whether the text goes on.
    var runs = true
    /// Which row of the logits is its own.
    var logitRow = 0
  }

  /// Most rows of a pass over the weights.
  private static let rowsAtOnce = 256

  /// - Parameters:
  ///   - sequences: how many texts at once.
  ///   - weights: packed ones; nil reads the parameters in fp32 where they lie, for those that still change.
  ///   - logitRows: how many rows of logits `losses` makes at a time.
  package init(
    _ model: GPT, parameters: ParameterStorage, weights: DecodingWeights? = nil, sequences: Int = 1,
    logitRows: Int = 8, on processor: Processor
  ) {
    self.model = model
    self.sequences = sequences
    self.weights = weights ?? .inPlace
    let configuration = model.configuration
    let rows = max(sequences, min(configuration.context, Self.rowsAtOnce))
    var plan = MemoryPlan()
    activations = model.planDecoding(
      sequences: sequences, rowLimit: rows, logitRows: max(sequences, min(rows, logitRows)), in: &plan)
    memory = Memory(plan, parameters, on: processor)
    windows = Array(repeating: Window(), count: sequences)
    for index in windows.indices { windows[index].tokens.reserveCapacity(configuration.context + 1) }
    ends.reserveCapacity(sequences)
    row = [Float](repeating: 0, count: configuration.vocabularySize)
    model.prepare(activations, in: memory)
  }

  private var context: Int { model.configuration.context }

  /// Forgets what was said and begins all texts with a prompt, of which the last `context` tokens count.
  package func start(_ prompt: [Int32]) {
    for index in windows.indices {
      windows[index].tokens.removeAll(keepingCapacity: true)
      windows[index].tokens.append(contentsOf: prompt.suffix(context))
      windows[index].cached = 0
      windows[index].runs = true
    }
    slides = 0
    isShared = true
    isCurrent = false
  }

  /// The tokens that the model sees of a text.
  package func tokens(of sequence: Int) -> [Int32] { windows[sequence].tokens }
  package var tokens: [Int32] { tokens(of: 0) }

  /// Adds a token to a text.
  package func append(_ token: Int32, to sequence: Int = 0) {
    if isShared && sequences > 1 { share() }
    isShared = false
    isCurrent = false
    if windows[sequence].tokens.count == context {
      windows[sequence].tokens.removeFirst(context - context / 2)
      windows[sequence].cached = 0
      slides += 1
    }
    windows[sequence].tokens.append(token)
  }

  /// A text that has ended takes no more part.
  package func finish(_ sequence: Int) { windows[sequence].runs = false }

  /// The logits of the token after those that a text has, at least one.
  package func nextLogits(of sequence: Int = 0) -> [Float] {
    compute()
    memory.read(activations.logits, row: isShared ? 0 : windows[sequence].logitRow, into: &row)
    for id in excluded { row[Int(id)] = -.infinity }
    return row
  }

  /// Chooses the next token of the first text and adds it.
  package func next(_ sampler: inout Sampler) -> Int32 {
    let token = sampler.next(nextLogits())
    append(token)
    return token
  }

  /// Chooses the next token of every running text, each by its own sampler, into `tokens`, and adds it. All running
  /// texts go through the weights together.
  package func next(_ samplers: inout [Sampler], into tokens: inout [Int32]) {
    for sequence in windows.indices where windows[sequence].runs {
      tokens[sequence] = samplers[sequence].next(nextLogits(of: sequence))
    }
    for sequence in windows.indices where windows[sequence].runs { append(tokens[sequence], to: sequence) }
  }

  /// -log p of each token of a text but the first, from those before it, at most `context` of them: the text is cut into
  /// windows, each of which knows nothing of the one before. It takes the place of the first text.
  package func losses(of text: [Int32]) -> [Double] {
    var losses: [Double] = []
    start([])
    let limit = min(activations.logits.rows, activations.rowLimit)
    var place = 0
    while losses.count < text.count - 1 {
      let first = losses.count
      if place == context { place = 0 }
      let count = min(limit, text.count - 1 - first, context - place)
      for i in 0..<count {
        activations.rows.set(i, id: text[first + i], sequence: 0, place: place + i, in: memory)
      }
      model.decode(count, activations, weights, in: memory)
      memory.copy(activations.last.rows(0..<count), activations.workspace.stream.rows(0..<count))
      model.decodeLogits(count, activations, weights, in: memory)
      for i in 0..<count {
        memory.read(activations.logits, row: i, into: &row)
        losses.append(-TokenProbabilities(logits: row).logarithm(text[first + i + 1]))
      }
      place += count
    }
    start([])
    return losses
  }

  /// Gives all texts the keys and values of the first.
  private func share() {
    let cached = windows[0].cached
    for sequence in windows.indices.dropFirst() {
      activations.cache.copy(from: 0, to: sequence, count: cached, in: memory)
      windows[sequence].cached = cached
    }
  }

  /// Takes all tokens through the model that were not yet, and makes the logits of the last ones.
  private func compute() {
    if isCurrent { return }
    var rows = 0, ended = 0
    for sequence in isShared ? 0..<1 : 0..<sequences where windows[sequence].runs {
      let count = windows[sequence].tokens.count
      for place in windows[sequence].cached..<count {
        let id = windows[sequence].tokens[place]
        activations.rows.set(rows, id: id, sequence: sequence, place: place, in: memory)
        if place == count - 1 {
          windows[sequence].logitRow = ended + ends.count
          ends.append(rows)
        }
        rows += 1
        if rows == activations.rowLimit { pass(&rows, &ended) }
      }
      windows[sequence].cached = count
    }
    pass(&rows, &ended)
    model.decodeLogits(ended, activations, weights, in: memory)
    isCurrent = true
  }

  /// One pass over the weights; keeps the rows whose logits are asked for.
  private func pass(_ rows: inout Int, _ ended: inout Int) {
    if rows > 0 { model.decode(rows, activations, weights, in: memory) }
    for end in ends {
      memory.copy(activations.last.rows(ended..<ended + 1), activations.workspace.stream.rows(end..<end + 1))
      ended += 1
    }
    ends.removeAll(keepingCapacity: true)
    rows = 0
  }
}
