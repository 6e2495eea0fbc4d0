internal import MiniGPTStorage
internal import MiniGPTTensors
internal import MiniGPTTokenization
internal import MiniGPTTransformer

extension ModelExport {
  func huggingFaceRefusal(_ what: String) -> InterchangeError { .inexpressible(format: "hf", what) }

  /// Writes a model folder. `replacing` an old one is for the caller to allow.
  func huggingFace(
    configuration: JSON, generation: JSON, tokenizerConfiguration: JSON, tensors: [ExportedTensor], replacing: Bool
  ) throws {
    let folder = try AtomicFolder(path)
    try write(configuration, "config.json", in: folder)
    try write(generation, "generation_config.json", in: folder)
    try write(TokenizerJSON.value(tokenizer), "tokenizer.json", in: folder)
    try write(tokenizerConfiguration, "tokenizer_config.json", in: folder)
    try write(
      tensors, to: folder.temporary.appending(TensorFolder.single), metadata: [(key: "format", value: "pt")])
    try folder.commit(replacing: replacing)
  }

  /// The parameters as stored, by their places.
  var byPlace: [Int: (shape: [Int], matrix: FileMatrix)] {
    var result: [Int: (shape: [Int], matrix: FileMatrix)] = [:]
    for (parameter, matrix) in zip(Model(checkpoint.configuration).layout.parameters, checkpoint.weights) {
      result[parameter.slot.offset] = (parameter.shape, matrix)
    }
    return result
  }
}

extension ModelExport<GPT> {
  /// A model folder for Hugging Face's transformers: GPT-2.
  package func huggingFace(replacing: Bool) throws {
    let c = checkpoint.configuration
    if c.norm == .post { throw huggingFaceRefusal("post-norm blocks, which GPT-2 does not have") }
    let end = tokenizer.endOfText.map { JSON(Int($0)) } ?? .null
    let endName = tokenizer.endOfText == nil ? JSON.null : .string(SpecialToken.endOfText)
    try huggingFace(
      configuration: HuggingFaceGPT2.configuration(c, end: end, weights: weights),
      generation: ["bos_token_id": end, "eos_token_id": end],
      // `PreTrainedTokenizerFast` takes `tokenizer.json` as it is.
      tokenizerConfiguration: [
        "tokenizer_class": "PreTrainedTokenizerFast", "bos_token": endName, "eos_token": endName,
        "model_max_length": JSON(c.context), "clean_up_tokenization_spaces": false,
        "model_input_names": ["input_ids", "attention_mask"],
      ], tensors: gpt2Tensors, replacing: replacing)
  }

  private var gpt2Tensors: [ExportedTensor] {
    let model = GPT(checkpoint.configuration), c = checkpoint.configuration, byPlace = byPlace
    var tensors: [ExportedTensor] = []
    func add(_ name: String, _ place: Int) {
      guard let (shape, matrix) = byPlace[place] else { return }
      tensors.append(ExportedTensor(name: HuggingFaceGPT2.prefix + name, shape: shape, matrix: matrix))
    }
    for (name, slot) in HuggingFaceGPT2.tensors(model) { add(name, slot.offset) }
    if let table = model.embedding.learned { add("wpe.weight", table.offset) }
    if let table = HuggingFaceGPT2.fixedPositions(c) {
      tensors.append(
        ExportedTensor(name: HuggingFaceGPT2.prefix + "wpe.weight", shape: [c.context, c.width], matrix: table))
    }
    return tensors
  }
}

extension ModelExport<EncoderDecoder> {
  /// A model folder for Hugging Face's transformers: Marian, or Pegasus where norms come first.
  package func huggingFace(replacing: Bool) throws {
    let c = checkpoint.configuration
    if c.positions != .sinusoidal {
      throw huggingFaceRefusal("a translator with \(c.positions.rawValue) positions; Marian and Pegasus have sines")
    }
    try huggingFace(
      configuration: HuggingFaceTranslator.configuration(c, weights: weights),
      generation: HuggingFaceTranslator.generation(c),
      tokenizerConfiguration: [
        "tokenizer_class": "PreTrainedTokenizerFast", "eos_token": .string(SpecialToken.endOfSentence),
        "unk_token": .string(SpecialToken.unknown), "pad_token": .string(SpecialToken.padding),
        "model_max_length": JSON(c.context), "clean_up_tokenization_spaces": false,
        "model_input_names": ["input_ids", "attention_mask"],
      ], tensors: translatorTensors, replacing: replacing)
  }

  private var translatorTensors: [ExportedTensor] {
    let c = checkpoint.configuration, byPlace = byPlace
    var tensors: [ExportedTensor] = []
    for piece in HuggingFaceTranslator.pieces(EncoderDecoder(c)) {
      guard let ours = byPlace[piece.slot.offset]?.matrix else { continue }
      tensors.append(
        ExportedTensor(
          name: piece.name, shape: piece.shape, matrix: HuggingFaceTranslator.theirs(piece, ours, width: c.width)))
    }
    let bias = HuggingFaceTranslator.logitsBias(c, weights)
    tensors.append(ExportedTensor(name: HuggingFaceTranslator.bias, shape: [1, c.vocabularySize], matrix: bias))
    if c.norm == .pre {
      for side in ["encoder", "decoder"] {
        tensors.append(
          ExportedTensor(
            name: HuggingFaceTranslator.positions(side), shape: [c.context, c.width],
            matrix: HuggingFaceTranslator.positions(c)))
      }
    }
    return tensors
  }
}
