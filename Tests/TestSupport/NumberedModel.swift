package import MiniGPTCheckpoints
package import MiniGPTStorage
package import MiniGPTTensors
package import MiniGPTTokenization
package import MiniGPTTransformer

/// A small GPT with numbers everywhere, an optimizer's state included.
package struct NumberedModel {
  package let tokenizer: any Tokenizer
  package let model: GPT
  package let memory: Memory
  package let state: [OptimizerTensor]

  package init(
    _ tokenizer: any Tokenizer = ByteTokenizer(), numbered: Bool = true,
    change: (inout GPTConfiguration) -> Void = { _ in }
  ) {
    self.tokenizer = tokenizer
    var configuration = GPTConfiguration(
      vocabularySize: tokenizer.vocabularySize, context: 7, layers: 2, heads: 3, width: 15, feedForwardWidth: 22,
      positions: .learned, norm: .pre, activation: .relu)
    change(&configuration)
    model = GPT(configuration)
    var plan = MemoryPlan(trains: true)
    let layout = model.layout
    state = ["m", "v"].flatMap { state in
      layout.parameters.map { OptimizerTensor(state, of: $0, in: &plan) }
    }
    memory = Memory(plan, ParameterStorage(count: layout.count), on: .plain())
    if !numbered { return }
    let stream = RandomStream(seed: 1, .dropout, place: 1)
    for (index, slot) in (layout.parameters.map(\.slot) + state.map(\.slot)).enumerated() {
      memory.write(slot, (0..<slot.count).map { Float(stream.uniform($0, step: index) - 0.5) })
    }
  }

  /// Of the weights and, where asked for, of the state.
  package func bits(state isIncluded: Bool = true) -> [[UInt32]] {
    (model.layout.parameters.map(\.slot) + (isIncluded ? state.map(\.slot) : [])).map {
      memory.read($0).map(\.bitPattern)
    }
  }

  package func write(_ path: Path, keepsState: Bool = true, record: TrainingRecord? = nil) throws {
    try Checkpoint.write(
      path, model, tokenizer: TokenizerJSON.text(tokenizer), record: record, state: keepsState ? state : [],
      from: memory)
  }

  /// One of each sort.
  package static func tokenizers() throws -> [any Tokenizer] {
    let text = Array("the quick brown fox jumps over the lazy dog; über 漢字 😀\n\"{}\\".utf8)
    return [ByteTokenizer(), try CharacterTokenizer(text), try BPETrainer(vocabularySize: 270).train(text)]
  }
}
