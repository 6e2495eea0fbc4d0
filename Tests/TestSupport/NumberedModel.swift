package import MiniGPTCheckpoints
package import MiniGPTStorage
package import MiniGPTTensors
package import MiniGPTTokenization
package import MiniGPTTransformer

/// A small GPT with numbers everywhere, moments included.
package struct NumberedModel {
  package let tokenizer: any Tokenizer
  package let model: GPT
  package let memory: Memory

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
    memory = Memory(MemoryPlan(trains: true), ParameterStorage(count: model.layout.count), on: .plain())
    if !numbered { return }
    let stream = RandomStream(seed: 1, .dropout, place: 1)
    for (index, region) in Self.regions.enumerated() {
      for parameter in model.layout.parameters {
        let slot = parameter.slot.at(region)
        memory.write(slot, (0..<slot.count).map { Float(stream.uniform(slot.offset + $0, step: index) - 0.5) })
      }
    }
  }

  package static let regions: [Region] = [.parameters, .firstMoments, .secondMoments]

  package func bits(_ regions: [Region] = Self.regions) -> [[UInt32]] {
    regions.flatMap { region in
      model.layout.parameters.map { memory.read($0.slot.at(region)).map(\.bitPattern) }
    }
  }

  package func write(_ path: Path, moments: Bool = true, record: TrainingRecord? = nil) throws {
    try Checkpoint.write(
      path, model, tokenizer: TokenizerJSON.text(tokenizer), record: record, moments: moments, from: memory)
  }

  /// One of each sort.
  package static func tokenizers() throws -> [any Tokenizer] {
    let text = Array("the quick brown fox jumps over the lazy dog; über 漢字 😀\n\"{}\\".utf8)
    return [ByteTokenizer(), try CharacterTokenizer(text), try BPETrainer(vocabularySize: 270).train(text)]
  }
}
