import MiniGPTCheckpoints
import MiniGPTStorage
import MiniGPTTensors
import MiniGPTTestSupport
import MiniGPTTokenization
import MiniGPTTransformer
import Testing

@Suite struct ModelKindTests {
  let folder: Folder

  init() throws { folder = try Folder() }

  @Test func namesDiffer() {
    #expect(Set(ModelKind.all.map(\.name)).count == ModelKind.all.count)
    #expect(Set(ModelKind.all.map(\.noun)).count == ModelKind.all.count)
  }

  /// A file opens as what it says it is, and refuses to be another kind by name.
  @Test func aFileOpensAsItsKind() throws {
    let path = folder.path("m")
    try NumberedModel().write(path, keepsState: false)
    let text = try CheckpointFormat.openModel(path)
    #expect(try text.textModel().configuration.layers == 2 && text.kind.name == "gpt")
    let error = #expect(throws: CheckpointError.self) { try text.translator() }
    #expect(
      error?.description
        == "\(path): a language model, where a translator is wanted: sample, repl and eval FILE work with language models"
    )

    let model = EncoderDecoder(
      TranslatorConfiguration(vocabularySize: 20, context: 4, encoderLayers: 1, decoderLayers: 1, heads: 1, width: 4))
    let memory = Memory(MemoryPlan(), ParameterStorage(count: model.layout.count), on: .plain())
    try TranslatorCheckpoint.write(
      path, model, tokenizer: TokenizerJSON.text(ByteTokenizer()), record: nil, from: memory)
    let other = try CheckpointFormat.openModel(path)
    #expect(try other.translator().configuration.width == 4 && other.kind.name == "translator")
    #expect(throws: CheckpointError.self) { try other.textModel() }
  }

  @Test func unknownKindsAreNamed() throws {
    try NumberedModel().write(folder.path("m"))
    let file = try SafetensorsFile(folder.path("m"))
    let metadata = file.metadata.filter { !$0.key.hasPrefix("checksum.") }.map {
      (key: $0.key, value: $0.key == "minigpt.kind" ? "rnn" : $0.value)
    }
    let path = folder.path("other"), tensors = file.tensors
    try SafetensorsFileWriter.write(
      path, tensors: tensors.map { .init($0.name, $0.type, $0.shape) }, metadata: metadata
    ) { index, writer in
      let bytes = file.bytes(of: tensors[index])
      try writer.append(bytes)
    }
    let error = #expect(throws: CheckpointError.self) { try CheckpointFormat.openModel(path) }
    #expect(error?.description == "\(path): a checkpoint of kind 'rnn', expected 'gpt' or 'translator'")
  }
}
