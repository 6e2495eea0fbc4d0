package import Parallel
package import Tensors
package import Transformer

/// Continues a sequence of tokens, one token at a time: a model feeds on what it said. It knows ids, not text.
///
/// The whole window is computed anew for each token. Past the context the window slides: the model sees the last
/// `context` tokens. From the third token on nothing is allocated.
package final class TextGenerator {
  package let model: GPT
  private let memory: Memory
  /// Places for windows of 16, 32, … tokens: what a mask hides behind the last token costs little.
  private let windows: [GPT.Activations]
  private let logits: Slot
  private var row: [Float]
  /// The last tokens, at most `context` of them.
  package private(set) var tokens: [Int32] = []

  private static let stride = 16

  package init(_ model: GPT, parameters: ParameterStorage, pool: WorkerPool, kernels: Kernels) {
    self.model = model
    let configuration = model.configuration, context = configuration.context
    let last = GPT.Activations(configuration, batch: 1, length: context, trains: false, logitRows: 1)
    windows =
      Swift.stride(from: Self.stride, to: context, by: Self.stride).map {
        GPT.Activations(
          configuration, batch: 1, length: $0, trains: false, logitRows: 1, sharingTableOf: last)
      } + [last]
    logits = last.logits
    row = [Float](repeating: 0, count: configuration.vocabularySize)
    memory = Memory(
      parameters: parameters, trains: false, activations: last.count, indices: last.indexCount,
      scratch: model.scratch(length: context), pool: pool, kernels: kernels)
    tokens.reserveCapacity(context + 1)
    model.prepare(last, in: memory)
  }

  /// Forgets what was said and begins with a prompt, of which the last `context` tokens count.
  package func start(_ prompt: [Int32]) {
    tokens.removeAll(keepingCapacity: true)
    tokens.append(contentsOf: prompt.suffix(model.configuration.context))
  }

  /// Adds a token.
  package func append(_ token: Int32) {
    if tokens.count == model.configuration.context { tokens.removeFirst() }
    tokens.append(token)
  }

  /// The logits of the token after those that are there, at least one.
  package func nextLogits() -> [Float] {
    let index = (tokens.count - 1) / Self.stride, window = windows[index]
    for t in 0..<window.length { memory.setIndex(window.ids, t, t < tokens.count ? tokens[t] : 0) }
    model.forward(window, nil, in: memory)
    let hidden = window.hidden.rows(tokens.count - 1..<tokens.count)
    model.outputProjection.forward(hidden, into: logits, in: memory)
    for column in row.indices { row[column] = memory.value(logits, 0, column) }
    return row
  }

  /// Chooses the next token and adds it.
  package func next(_ sampler: inout Sampler, excluding excluded: Int32? = nil) -> Int32 {
    let token = sampler.next(nextLogits(), excluding: excluded)
    append(token)
    return token
  }
}
