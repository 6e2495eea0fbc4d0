package import MiniGPTCheckpoints
package import MiniGPTDatasets
package import MiniGPTParallel
package import MiniGPTStorage
package import MiniGPTTokenization
package import MiniGPTTransformer

/// What a setup asks of texts and of pairs alike.
package protocol LearnableMaterial: TrainingMaterial where Shape: ModelConfiguration {
  associatedtype Model: TrainableModel where Model.Configuration == Shape
  associatedtype Source: BatchSource where Source.Batch == Model.Batch
  /// What is learned from, and what is held out.
  associatedtype Split
  /// The ids of both.
  associatedtype Encoded

  /// The files, as bytes.
  var corpusFiles: TextCorpus { get }
  var isVerse: Bool { get }
  /// The smallest vocabulary of a model with such a tokenizer.
  static func leastVocabulary(of tokenizer: TokenizerChoice) -> Int
  /// What the largest batch has at the least, whatever is in the files.
  static func leastCapacity(_ shape: Shape, _ configuration: TrainingConfiguration) -> Model.Batch.Capacity

  func split(validation: Self?, _ configuration: TrainingConfiguration) -> Split
  func makeTokenizer(
    _ choice: TokenizerChoice, _ split: Split, _ validation: Self?, _ configuration: TrainingConfiguration,
    _ pool: WorkerPool, progress: (BPETrainer.Progress) -> Void
  ) throws -> any Tokenizer
  func encode(
    _ split: Split, _ encoding: MaterialEncoding, progress: (_ done: Int, _ of: Int) -> Void
  ) throws -> Encoded

  /// What was kept in a file by `keep`, made of the same texts in the same way; nil where there is none.
  func kept(
    in file: Path, _ choice: TokenizerChoice, madeFrom texts: String, _ configuration: TrainingConfiguration
  ) -> (tokenizer: any Tokenizer, encoded: Encoded)?
  /// Keeps ids in a file, and returns those of that file.
  func keep(
    _ encoded: Encoded, _ tokenizer: any Tokenizer, in file: Path, _ choice: TokenizerChoice, madeFrom texts: String,
    _ configuration: TrainingConfiguration
  ) throws -> Encoded

  /// How much there is to learn from, and how much of it an update takes.
  static func size(
    of encoded: Encoded, _ configuration: TrainingConfiguration, context: Int
  ) -> (all: Double, perUpdate: Double)
  /// Throws where there is too little; `name` is what messages call the files.
  static func source(
    _ encoded: Encoded, _ shape: Shape, _ configuration: TrainingConfiguration, _ name: String
  ) throws -> Source
}

/// How files become ids.
package struct MaterialEncoding {
  let tokenizer: any Tokenizer
  let configuration: TrainingConfiguration
  /// The model's places.
  let context: Int
  let pool: WorkerPool
  let folder: Path?
}

extension TextCorpus {
  /// What messages call it.
  var names: String { files.map { "\($0.path)" }.joined(separator: ", ") }
}
