internal import MiniGPTPlatform
package import MiniGPTStorage
package import MiniGPTTokenization
package import MiniGPTTransformer

/// A kind of models: how files name it, how it opens, how it is described.
package struct ModelKind: Sendable {
  /// In checkpoints.
  package let name: String
  /// "a language model" without its article.
  package let noun: String
  /// What such a model is called where there is nothing else to call it.
  package let title: String
  /// The commands that work with such a model, and the one that makes one.
  package let commands: String
  package let recipe: String
  /// The tokens of a batch in training, for a context.
  package let tokensPerBatch: @Sendable (TrainingConfiguration, _ context: Int) -> Int
  fileprivate let open: @Sendable (SafetensorsFile) throws(CheckpointError) -> any OpenedModel

  private init<Model: TrainableModel>(
    _ model: Model.Type, _ noun: String, title: String, commands: String, recipe: String,
    tokensPerBatch: @escaping @Sendable (TrainingConfiguration, Int) -> Int
  ) {
    name = Model.Configuration.kind
    self.noun = noun
    self.title = title
    self.commands = commands
    self.recipe = recipe
    self.tokensPerBatch = tokensPerBatch
    open = { file throws(CheckpointError) in try ModelCheckpoint<Model>(file) }
  }

  package static let languageModel = ModelKind(
    GPT.self, "language model", title: "GPT", commands: "sample, repl and eval FILE",
    recipe: "minigpt train corpora/shakespeare.txt", tokensPerBatch: { $0.batchSize * $1 })
  package static let translator = ModelKind(
    EncoderDecoder.self, "translator", title: "translator", commands: "translate and eval --pairs FILE",
    recipe: "minigpt train --pairs corpora/grammar.tsv", tokensPerBatch: { settings, _ in settings.batchTokens })

  package static let all = [languageModel, translator]
}

/// A model of any kind.
package protocol OpenedModel<Model>: Sendable {
  associatedtype Model: TrainableModel
  var checkpoint: ModelCheckpoint<Model> { get }
}

extension ModelCheckpoint: OpenedModel {
  package var checkpoint: ModelCheckpoint { self }
}

extension OpenedModel {
  package var path: Path { checkpoint.path }

  package func tokenizer() throws(CheckpointError) -> any Tokenizer { try checkpoint.tokenizer() }

  package var kind: ModelKind {
    guard let kind = ModelKind.all.first(where: { $0.name == Model.Configuration.kind }) else {
      fail("no kind is called \(Model.Configuration.kind)")
    }
    return kind
  }

  /// Returns it as what continues texts, or refuses by name.
  package func textModel() throws(CheckpointError) -> Checkpoint {
    guard let model = checkpoint as? Checkpoint else { throw .otherKind(path, kind, wanted: .languageModel) }
    return model
  }

  /// Returns it as what translates, or refuses by name.
  package func translator() throws(CheckpointError) -> TranslatorCheckpoint {
    guard let model = checkpoint as? TranslatorCheckpoint else { throw .otherKind(path, kind, wanted: .translator) }
    return model
  }
}

extension CheckpointFormat {
  /// Opens a file of ours that holds a model of any kind.
  package static func openModel(_ path: Path) throws(CheckpointError) -> any OpenedModel {
    let file = try open(path), name = kind(of: file)
    guard let kind = ModelKind.all.first(where: { $0.name == name }) else {
      throw .unknownKind(path, name, expected: ModelKind.all.map(\.name).joined(separator: "' or '"))
    }
    return try kind.open(file)
  }
}
