internal import MiniGPTPlatform
package import MiniGPTStorage
internal import MiniGPTTensors
internal import MiniGPTTokenization
internal import MiniGPTTransformer

/// Writes models for other programs: streamed, so that memory does not grow with the model, and durably, so that under
/// the name stands the old file or folder or the new one, whole.
package struct ModelExport<Model: CheckpointModel> {
  let checkpoint: ModelCheckpoint<Model>
  let tokenizer: any Tokenizer
  let path: Path
  let weights: NumberType
  /// Hears how many numbers are written of how many, and may throw to stop.
  let progress: (_ done: Int, _ total: Int) throws -> Void

  /// Opens what is needed and compares every weight with its checksum.
  package init(
    _ checkpoint: ModelCheckpoint<Model>, to path: Path, weights: NumberType,
    progress: @escaping (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
  ) throws {
    self.checkpoint = checkpoint
    self.path = path
    self.weights = weights
    self.progress = progress
    tokenizer = try checkpoint.tokenizer()
    try checkpoint.verify()
  }

  typealias Tensor = ExportedTensor

  /// A checkpoint of ours, the weights alone.
  package func safetensors() throws {
    let layout = Model(checkpoint.configuration).layout
    let tensors = zip(layout.parameters, checkpoint.weights).map {
      Tensor(name: $0.name, shape: $0.shape, matrix: $1)
    }
    try write(
      tensors, to: path,
      metadata: try ModelCheckpoint<Model>.metadata(
        checkpoint.configuration, tokenizer: TokenizerJSON.text(tokenizer), record: nil))
  }

  /// The same with matrices in int8, each with its scales behind it; what no product adds up stays in fp32.
  /// `matrices` are those that products read, turned round where scales run along the rows.
  private func quantizedSafetensors(_ matrices: [Operand]) throws {
    let model = Model(checkpoint.configuration)
    let parts = zip(model.layout.parameters, checkpoint.weights).map { parameter, matrix in
      let operand = matrices.first { $0.slot == parameter.slot }
      return (parameter: parameter, matrix: matrix, blocks: operand.map { Int8Blocks(alongRows: $0.isTransposed) })
    }
    var tensors: [SafetensorsFileWriter.Tensor] = []
    for part in parts {
      tensors.append(.init(part.parameter.name, part.blocks == nil ? .f32 : .i8, part.parameter.shape))
      if let blocks = part.blocks {
        tensors.append(
          .init(
            Int8Blocks.scalesName(part.parameter.name), .f32, blocks.scaleShape(part.matrix.rows, part.matrix.columns)))
      }
    }
    let metadata = try ModelCheckpoint<Model>.metadata(
      checkpoint.configuration, tokenizer: TokenizerJSON.text(tokenizer), record: nil)
    let total = model.layout.count
    var done = 0, next = 0, scales: [Float] = []
    try SafetensorsFileWriter.write(path, tensors: tensors, metadata: metadata) { index, writer in
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

  /// tiktoken's ranks: the tokenizer alone.
  package func tiktoken() throws {
    let text = try TiktokenRanks.text(tokenizer, path: "\(path)")
    try AtomicFile.write(text.rawBytes, to: path)
  }

  func write(_ tensors: [Tensor], to path: Path, metadata: [(key: String, value: String)]) throws {
    let total = tensors.reduce(0) { $0 + $1.matrix.rows * $1.matrix.columns }
    var done = 0
    try SafetensorsFileWriter.write(
      path, tensors: tensors.map { .init($0.name, weights.safetensors, $0.shape) }, metadata: metadata
    ) { index, writer in
      try stream(tensors[index]) { bytes in
        try writer.append(bytes)
        done += bytes.byteCount / weights.byteCount
        try progress(done, total)
      }
    }
  }

  func stream(_ tensor: Tensor, _ body: (RawSpan) throws -> Void) throws {
    do { try tensor.matrix.forEachPiece(as: weights, body) } catch let error as FileMatrix.TooLarge {
      throw InterchangeError.tooLarge(tensor: tensor.name, error.number, error.type)
    }
  }

  /// A JSON file among others in a folder that is not in its place yet.
  func write(_ value: JSON, _ name: String, in folder: borrowing AtomicFolder) throws {
    let bytes = try JSONWriter.write(value, layout: .indented) + [UInt8(ascii: "\n")]
    try AtomicFile.write(bytes.rawBytes, to: folder.temporary.appending(name))
  }
}

extension ModelExport<GPT> {
  /// A checkpoint of ours with matrices in int8.
  package func quantizedSafetensors() throws {
    try quantizedSafetensors(GPT(checkpoint.configuration).layout.factors)
  }
}

extension ModelExport<EncoderDecoder> {
  /// A checkpoint of ours with matrices in int8.
  package func quantizedSafetensors() throws {
    let model = EncoderDecoder(checkpoint.configuration)
    var matrices = [model.sourceEmbedding.table.transposed]
    for piece in HuggingFaceTranslator.pieces(model) where piece.isTurned { matrices.append(piece.slot.plain) }
    try quantizedSafetensors(matrices)
  }
}

/// A tensor of another format and where its numbers come from.
struct ExportedTensor {
  let name: String
  let shape: [Int]
  let matrix: FileMatrix
}
