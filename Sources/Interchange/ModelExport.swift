package import MiniGPTCheckpoints
package import MiniGPTStorage
package import MiniGPTTensors
internal import MiniGPTTokenization
package import MiniGPTTransformer

/// What a model can be written as.
package enum ExportFormat: String, CaseIterable, Sendable {
  /// A model folder for Hugging Face's transformers.
  case huggingFace = "hf"
  /// A file for llama.cpp.
  case gguf
  /// The ranks of the vocabulary, for tiktoken.
  case tiktoken
  /// A checkpoint of ours, the weights alone.
  case safetensors
}

/// Writes models for other programs: streamed, so that memory does not grow with the model, and durably, so that under
/// the name stands the old file or folder or the new one, whole.
package struct ModelExport<Model: TrainableModel> {
  let checkpoint: ModelCheckpoint<Model>
  let tokenizer: any Tokenizer
  let path: Path
  let weights: NumberFormat
  /// Hears how many numbers are written of how many, and may throw to stop.
  let progress: (_ done: Int, _ total: Int) throws -> Void

  /// Opens what is needed and compares every weight with its checksum.
  package init(
    _ checkpoint: ModelCheckpoint<Model>, to path: Path, weights: NumberFormat,
    progress: @escaping (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
  ) throws {
    self.checkpoint = checkpoint
    self.path = path
    self.weights = weights
    self.progress = progress
    tokenizer = try checkpoint.tokenizer()
    try checkpoint.verify()
  }

  /// Writes the model; what a format cannot say is refused by name. `replacing` an old folder is for the caller to allow.
  package func write(_ format: ExportFormat, replacing: Bool = false) throws {
    switch format {
    case .huggingFace, .gguf: try foreign(format, replacing: replacing)
    case .tiktoken:
      let text = try TiktokenRanks.text(tokenizer, path: "\(path)")
      try AtomicFile.write(text.rawBytes, to: path)
    case .safetensors:
      switch weights {
      case .fp32, .bf16, .f16: try safetensors()
      case .int8: try quantizedSafetensors()
      case .int4: throw InterchangeError.inexpressible(format: "safetensors", "weights in int4: they are GGUF's")
      }
    }
  }

  /// Writes it as the first family of a format that does not refuse it.
  private func foreign(_ wanted: ExportFormat, replacing: Bool) throws {
    // The last of those that are nearest is said.
    var refusal: (nearness: Int, text: String) = (0, "a model")
    func refuse(_ nearness: Int, _ text: String) {
      if nearness >= refusal.nearness { refusal = (nearness, text) }
    }
    /// Whether it was written.
    func write<Format: ForeignFormat>(as format: Format) throws -> Bool {
      guard Format.Container.format == wanted else { return false }
      guard let export = self as? ModelExport<Format.Model> else {
        refuse(0, "a \(checkpoint.kind.noun), which \(Format.Container.program) does not run")
        return false
      }
      let configuration = export.checkpoint.configuration
      if let lack = format.lack(configuration) {
        refuse(format.isNear(configuration) ? 2 : 1, lack)
        return false
      }
      let map = format.map(configuration, weights)
      let tensors = map.tensors(Format.Model(configuration).layout, export.checkpoint.weights)
      try format.write(export, tensors, replacing: replacing)
      return true
    }
    for format in ForeignFormats.all where try write(as: format) { return }
    throw InterchangeError.inexpressible(format: wanted.rawValue, refusal.text)
  }

  /// A checkpoint of ours, the weights alone.
  private func safetensors() throws {
    let layout = Model(checkpoint.configuration).layout
    let tensors = zip(layout.parameters, checkpoint.weights).map {
      ExportedTensor(name: $0.name, shape: $0.shape, matrix: $1)
    }
    try write(tensors, to: path, metadata: metadata())
  }

  private func metadata() throws -> [(key: String, value: String)] {
    try ModelCheckpoint<Model>.metadata(
      checkpoint.configuration, tokenizer: TokenizerJSON.text(tokenizer), record: nil)
  }

  /// The same with matrices in int8, each followed by its scales; what no product adds up stays in fp32.
  private func quantizedSafetensors() throws {
    let model = Model(checkpoint.configuration)
    let parts = zip(model.layout.parameters, checkpoint.weights).map { parameter, matrix in
      (
        parameter: parameter, matrix: matrix, blocks: parameter.factor.map { Int8Blocks(alongRows: $0.isTransposed) }
      )
    }
    var tensors: [SafetensorsFileWriter.Tensor] = []
    for part in parts {
      tensors.append(.init(part.parameter.name, part.blocks == nil ? .f32 : .i8, part.parameter.shape))
      if let blocks = part.blocks {
        tensors.append(
          .init(
            Int8Blocks.scalesName(part.parameter.name), .f32,
            Int8Blocks.scaleShape(
              rows: part.matrix.rows, columns: part.matrix.columns, alongRows: blocks.alongRows)))
      }
    }
    let total = model.layout.count
    var done = 0, next = 0, scales: [Float] = []
    try SafetensorsFileWriter.write(path, tensors: tensors, metadata: metadata()) { index, writer in
      if !scales.isEmpty {
        try writer.append(scales.span)
        scales = []
        return
      }
      let part = parts[next]
      next += 1
      guard let blocks = part.blocks else {
        return try part.matrix.forEachPiece(as: .fp32) { bytes in
          try writer.append(bytes)
          done += bytes.byteCount / 4
          try progress(done, total)
        }
      }
      scales = try blocks.quantize(part.matrix) { numbers in
        try writer.append(numbers.span)
        done += numbers.count
        try progress(done, total)
      }
    }
  }

  func write(_ tensors: [ExportedTensor], to path: Path, metadata: [(key: String, value: String)]) throws {
    let total = tensors.reduce(0) { $0 + $1.matrix.rows * $1.matrix.columns }
    var done = 0
    try SafetensorsFileWriter.write(
      path, tensors: tensors.map { .init($0.name, weights.safetensors, $0.shape) }, metadata: metadata
    ) { index, writer in
      try stream(tensors[index], as: weights) { bytes in
        try writer.append(bytes)
        done += bytes.byteCount / weights.byteCount
        try progress(done, total)
      }
    }
  }

  func stream(_ tensor: ExportedTensor, as format: NumberFormat, _ body: (RawSpan) throws -> Void) throws {
    do {
      switch format {
      case .fp32, .bf16, .f16: try tensor.matrix.forEachPiece(as: format, body)
      case .int8: try tensor.matrix.forEachQuantizedPiece(body)
      case .int4: try tensor.matrix.forEachPieceInFourBits(body)
      }
    } catch let error as FileMatrix.TooLarge {
      throw InterchangeError.tooLarge(tensor: tensor.name, error.number, error.type)
    }
  }

  /// A JSON file among others in a folder that is not in its place yet.
  func write(_ value: JSON, _ name: String, in folder: borrowing AtomicFolder) throws {
    let bytes = try JSONWriter.write(value, layout: .indented) + [UInt8(ascii: "\n")]
    try AtomicFile.write(bytes.rawBytes, to: folder.temporary.appending(name))
  }
}
