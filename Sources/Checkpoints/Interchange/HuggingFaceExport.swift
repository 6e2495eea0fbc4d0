package import Storage
internal import Tensors
internal import Tokenization
internal import Transformer

extension ModelExport {
  /// A model folder for Hugging Face's transformers. `replacing` an old one is for the caller to allow.
  package func huggingFace(replacing: Bool) throws {
    let c = checkpoint.configuration
    if c.norm == .post { throw refusal("post-norm blocks, which GPT-2 does not have") }
    let end = tokenizer.endOfText.map { JSON(Int($0)) } ?? .null
    let folder = try AtomicFolder(path)
    try write(HuggingFaceGPT2.configuration(c, end: end, weights: weights), "config.json", in: folder)
    try write(["bos_token_id": end, "eos_token_id": end], "generation_config.json", in: folder)
    try write(TokenizerJSON.value(tokenizer), "tokenizer.json", in: folder)
    try write(tokenizerConfiguration, "tokenizer_config.json", in: folder)
    try write(
      gpt2Tensors, to: folder.temporary.appending(TensorFolder.single), metadata: [(key: "format", value: "pt")])
    try folder.commit(replacing: replacing)
  }

  private func refusal(_ what: String) -> InterchangeError { .inexpressible(format: "hf", what) }

  /// `PreTrainedTokenizerFast` takes `tokenizer.json` as it is.
  private var tokenizerConfiguration: JSON {
    let end = tokenizer.endOfText == nil ? JSON.null : .string(SpecialToken.endOfText)
    return [
      "tokenizer_class": "PreTrainedTokenizerFast", "bos_token": end, "eos_token": end,
      "model_max_length": JSON(checkpoint.configuration.context), "clean_up_tokenization_spaces": false,
      "model_input_names": ["input_ids", "attention_mask"],
    ]
  }

  private var gpt2Tensors: [Tensor] {
    let model = GPT(checkpoint.configuration), c = checkpoint.configuration
    var byPlace: [Int: (shape: [Int], matrix: FileMatrix)] = [:]
    for (parameter, matrix) in zip(model.layout.parameters, checkpoint.weights) {
      byPlace[parameter.slot.offset] = (parameter.shape, matrix)
    }
    var tensors: [Tensor] = []
    func add(_ name: String, _ place: Int) {
      guard let (shape, matrix) = byPlace[place] else { return }
      tensors.append(Tensor(name: HuggingFaceGPT2.prefix + name, shape: shape, matrix: matrix))
    }
    for (name, slot) in HuggingFaceGPT2.tensors(model) { add(name, slot.offset) }
    if let table = model.embedding.learned { add("wpe.weight", table.offset) }
    if let table = HuggingFaceGPT2.fixedPositions(c) {
      tensors.append(
        Tensor(name: HuggingFaceGPT2.prefix + "wpe.weight", shape: [c.context, c.width], matrix: table))
    }
    return tensors
  }

  /// Whether a folder may be replaced by another model: it is one itself, of ordinary files alone, or empty.
  package static func isReplaceable(_ folder: Path) -> Bool {
    guard let files = try? Files.list(folder) else { return false }
    return files.isEmpty
      || files.contains(folder.appending(HuggingFaceFolder.configuration))
        && files.allSatisfy { Files.kind($0) == .file }
  }
}
